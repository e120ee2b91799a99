//! The picture that the demo uploads: a white cloud in a blue sky, as a PNG.

use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Width and height in pixels.
const SIZE: u8 = 96;

/// Centre and radius of the puffs that make the cloud.
const PUFFS: [(i32, i32, i32); 4] = [(30, 56, 15), (46, 42, 19), (66, 50, 16), (48, 58, 13)];

/// What the cloud rests on: left, right, top, bottom.
const BASE: (i32, i32, i32, i32) = (30, 66, 54, 71);

/// The picture's file name.
pub(crate) const NAME: &str = "logo.png";

/// Draws the picture; always the same bytes.
pub(crate) fn draw() -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, SIZE.into(), SIZE.into());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let pixels: Vec<u8> = (0..SIZE)
        .flat_map(|y| (0..SIZE).flat_map(move |x| colour(x, y)))
        .collect();
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

/// White inside the cloud; else a blue that grows lighter towards the ground.
fn colour(x: u8, y: u8) -> [u8; 3] {
    if in_cloud(x.into(), y.into()) {
        [255, 255, 255]
    } else {
        [20 + y / 2, 90 + y, 200 + y / 2]
    }
}

fn in_cloud(x: i32, y: i32) -> bool {
    let (left, right, top, bottom) = BASE;
    let in_base = (left..=right).contains(&x) && (top..=bottom).contains(&y);
    let in_puff = |&(centre_x, centre_y, radius): &(i32, i32, i32)| {
        (x - centre_x).pow(2) + (y - centre_y).pow(2) <= radius.pow(2)
    };
    in_base || PUFFS.iter().any(in_puff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_png_that_reads_back_with_a_cloud_in_a_sky() {
        let file = draw().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(
            (info.width, info.height),
            (u32::from(SIZE), u32::from(SIZE))
        );
        let white = pixels.chunks(3).filter(|pixel| *pixel == [255; 3]).count();
        assert!(white > 1000 && white < pixels.len() / 6);
    }
}
