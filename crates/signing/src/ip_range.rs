//! The addresses a temporary URL may be used from.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// One address, or a network in CIDR form such as `192.0.2.0/24` or `2001:db8::/32`.
///
/// Read as Swift reads `temp_url_ip_range`, by the strict rules of Python's `ipaddress.ip_network`: bits set outside the
/// mask make it invalid. IPv4 networks may carry a mask (`/255.255.255.0`) or its inverse (`/0.0.0.255`) instead of a
/// length.
///
/// ```
/// use signing::IpRange;
///
/// let range: IpRange = "192.0.2.0/24".parse()?;
/// assert!(range.contains([192, 0, 2, 77].into()));
/// assert!(!range.contains([192, 0, 3, 77].into()));
/// assert!("192.0.2.1/24".parse::<IpRange>().is_err());
/// # Ok::<(), signing::ParseIpRangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange(IpNet);

impl IpRange {
    /// Whether `address` lies in the range. An IPv4 address never lies in an IPv6 range, nor the other way round.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

/// The text is neither an address nor a network, or the network has bits set outside its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address or a network without host bits")]
pub struct ParseIpRangeError;

impl FromStr for IpRange {
    type Err = ParseIpRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or(ParseIpRangeError)
    }
}

fn parse(text: &str) -> Option<IpNet> {
    let Some((address, mask)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    let network = match address.parse().ok()? {
        IpAddr::V4(address) => match mask.parse() {
            Ok(mask) => IpNet::V4(masked(address, mask)?),
            Err(_) => IpNet::new(address.into(), prefix_length(mask)?).ok()?,
        },
        address @ IpAddr::V6(_) => IpNet::new(address, prefix_length(mask)?).ok()?,
    };
    (network.trunc() == network).then_some(network)
}

fn masked(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Ipv4Net> {
    Ipv4Net::with_netmask(address, mask)
        .or_else(|_| Ipv4Net::with_netmask(address, !mask))
        .ok()
}

/// Digits alone, leading zeros included: a sign would pass `parse`.
fn prefix_length(text: &str) -> Option<u8> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}
