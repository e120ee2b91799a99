//! One listing, several pages at a time: the range of names is split where nobody works yet.

use futures_util::stream::{self, BoxStream, FuturesUnordered};
use futures_util::{StreamExt, TryStreamExt};

use super::{ListOptions, Listed, Page, page};
use crate::metadata::number;
use crate::{Error, ObjectEntry, Transfers};

/// Pages at the same time, at most: each is a few mebibytes, and a server has more to do for a page than we have.
const MOST_PAGES: usize = 4;

/// As in a listing one after the other.
const PAGE: u64 = super::PAGE;

/// No server allows less than this.
const LEAST_PAGE: u64 = 100;

/// Names after `after` and before `before`; open where nothing is said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    after: Option<String>,
    before: Option<String>,
}

impl Transfers {
    /// All objects of a container, several pages at a time, in no order: the names of one page follow each other, the
    /// pages do not. Each object comes once. Whoever wants order sorts, or takes
    /// [`Client::list_objects`](crate::Client::list_objects), which is one page after the other.
    ///
    /// Ranges of names are split as the listing goes on, by the names seen so far, so that it needs to know nothing
    /// about them. With a delimiter, a limit, versions, or in reverse, pages come one after the other here, too.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::TryStreamExt;
    /// use swift_client::{ContainerOptions, ListOptions, ObjectOptions, TransferSettings, Transfers};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// for number in 0..20 {
    ///     client.put_object("c", &format!("{number:02}"), "x", &ObjectOptions::default()).await?;
    /// }
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let options = ListOptions { page_size: Some(3), ..ListOptions::default() };
    /// let found: Vec<_> = transfers.list_objects_unordered("c", options).try_collect().await?;
    /// assert_eq!(found.len(), 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_objects_unordered(
        &self,
        container: &str,
        options: ListOptions,
    ) -> BoxStream<'static, Result<Listed<ObjectEntry>, Error>> {
        let splits = options.delimiter.is_none()
            && options.limit.is_none()
            && !options.reverse
            && !options.versions;
        if !splits {
            return self.client().list_objects(container, options);
        }
        let state = Work {
            transfers: self.clone(),
            container: container.to_owned(),
            size: options.page_size.unwrap_or(PAGE).max(1),
            waiting: vec![Range {
                after: options.marker.clone(),
                before: options.end_marker.clone(),
            }],
            options,
            running: FuturesUnordered::new(),
            last: None,
            left: 0,
            started: false,
        };
        stream::try_unfold(state, |mut work| async move {
            let entries = work.next().await?;
            Ok::<_, Error>(entries.map(|entries| (stream::iter(entries.into_iter().map(Ok)), work)))
        })
        .try_flatten()
        .boxed()
    }
}

type Fetch = futures_util::future::BoxFuture<'static, (Range, Result<Page<ObjectEntry>, Error>)>;

struct Work {
    transfers: Transfers,
    container: String,
    options: ListOptions,
    /// Entries on a full page.
    size: u64,
    waiting: Vec<Range>,
    running: FuturesUnordered<Fetch>,
    /// The last name of all, to split open ranges by.
    last: Option<String>,
    /// How many objects are still to come at most.
    left: u64,
    started: bool,
}

impl Work {
    async fn next(&mut self) -> Result<Option<Vec<Listed<ObjectEntry>>>, Error> {
        let parallel = self.transfers.settings().concurrency.clamp(1, MOST_PAGES);
        let (range, page) = loop {
            while self.running.len() < parallel
                && let Some(range) = self.waiting.pop()
            {
                self.running.push(self.fetch(range));
            }
            match self.running.next().await {
                None => return Ok(None),
                // Some servers allow less than 10,000, and say so only like this.
                Some((range, Err(Error::PreconditionFailed(_))))
                    if !self.started && self.size > LEAST_PAGE =>
                {
                    self.size /= 10;
                    self.waiting.push(range);
                }
                Some((range, page)) => break (range, page?),
            }
        };
        let got = page.entries.len() as u64;
        if !self.started {
            self.left = number(&page.headers, "x-container-object-count").unwrap_or(u64::MAX);
        }
        self.left = self.left.saturating_sub(got);
        let first_page = !std::mem::replace(&mut self.started, true);
        let end = page.entries.last().and_then(|entry| match entry {
            Listed::Item(object) => Some(object.name.clone()),
            Listed::Subdir(_) => None,
        });
        if let Some(end) = end.filter(|_| got >= self.size) {
            if first_page && range.before.is_none() && self.left > 0 && parallel > 1 {
                self.last = self.last_name(&end).await?;
            }
            let rest = Range {
                after: Some(end),
                before: range.before,
            };
            self.split(rest, parallel);
        }
        Ok(Some(page.entries))
    }

    /// Puts the rest of a range on the heap of work, in two if there are hands for it and there seems to be enough.
    fn split(&mut self, rest: Range, parallel: usize) {
        let busy = self.running.len() + self.waiting.len();
        let worth_it = self.left > self.size.saturating_mul(busy as u64 + 1);
        let bound = rest.before.as_ref().or(self.last.as_ref());
        let middle = match (&rest.after, bound) {
            (Some(after), Some(bound)) if busy + 1 < parallel && worth_it => between(after, bound),
            _ => None,
        };
        match middle {
            Some(middle) => {
                // A marker is not in its own listing, and `before` excludes, too: the name itself would fall between.
                // Ranges meet at a name with nothing between it and the middle.
                let upper = Range {
                    after: Some(middle.clone()),
                    before: rest.before,
                };
                let lower = Range {
                    after: rest.after,
                    before: Some(format!("{middle}\u{1}")),
                };
                self.waiting.extend([upper, lower]);
            }
            None => self.waiting.push(rest),
        }
    }

    fn fetch(&self, range: Range) -> Fetch {
        let options = ListOptions {
            marker: range.after.clone(),
            end_marker: range.before.clone(),
            ..self.options.clone()
        };
        let (transfers, container) = (self.transfers.clone(), self.container.clone());
        let size = self.size;
        Box::pin(async move {
            let _turn = transfers.turn().await;
            let client = transfers.client();
            let page = page(client, Some(&container), &options, None, Some(size)).await;
            (range, page)
        })
    }

    /// The last name in the listing, where the server lists in reverse; old ones give the first one, which splits
    /// nothing.
    async fn last_name(&mut self, after: &str) -> Result<Option<String>, Error> {
        let options = ListOptions {
            reverse: true,
            marker: None,
            end_marker: None,
            ..self.options.clone()
        };
        let _turn = self.transfers.turn().await;
        let client = self.transfers.client();
        let page: Page<ObjectEntry> =
            page(client, Some(&self.container), &options, None, Some(1)).await?;
        let name = page.entries.into_iter().next().and_then(Listed::item);
        Ok(name
            .map(|object| object.name)
            .filter(|name| name.as_str() > after))
    }
}

/// A name after `low` and before `high`, about halfway as far as the first letter in which they differ tells.
fn between(low: &str, high: &str) -> Option<String> {
    let common: usize = low
        .chars()
        .zip(high.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let prefix = &low[..common];
    let letter = |text: &str, at: usize| text[at..].chars().next();
    let middle = |a: u32, b: u32| char::from_u32(u32::midpoint(a, b));
    let a = letter(low, common).map_or(u32::from(' '), u32::from);
    let b = u32::from(letter(high, common)?);
    let found = if b > a + 1 {
        format!("{prefix}{}", middle(a, b)?)
    } else {
        // They differ by one, as `a9` and `b0`: go on behind the lower one.
        let next = letter(low, common)?;
        let deeper = common + next.len_utf8();
        let c = letter(low, deeper).map_or(u32::from(' '), u32::from);
        format!("{prefix}{next}{}", middle(c, u32::from('~').max(c))?)
    };
    (low < found.as_str() && found.as_str() < high).then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_middle_of_names_as_people_give_them() {
        assert_eq!(between("dir/00999", "dir/99999").unwrap(), "dir/4");
        assert_eq!(between("a", "z").unwrap(), "m");
        assert_eq!(between("img-0", "img-1").unwrap(), "img-0O");
        assert_eq!(between("a", "a"), None);
        assert_eq!(between("b", "a"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_found_lies_between(low in ".{0,6}", high in ".{0,6}") {
            if let Some(middle) = between(&low, &high) {
                prop_assert!(low < middle && middle < high);
            }
        }
    }
}
