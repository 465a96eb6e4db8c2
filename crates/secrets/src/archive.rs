//! Archives of texts, opened one level deep: zip (jar, docx …), tar and gzip, each with bounds.

use std::io::{Cursor, Read as _};

use flate2::read::MultiGzDecoder;

/// Files of an archive that are looked at.
const MOST: usize = 5_000;
/// Bytes of one file of an archive, and of all of them: what is packed small may be large.
const ONE: u64 = 8 << 20;
const ALL: u64 = 64 << 20;

/// These bytes begin like an archive.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    is_zip(bytes) || is_gzip(bytes) || is_tar(bytes)
}

/// Hands out the path and the bytes of each file of an archive. What cannot be unpacked is left out.
pub(crate) fn each_file(bytes: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    if is_zip(bytes) {
        zip_files(bytes, each);
    } else if is_gzip(bytes) {
        let mut unpacked = Vec::new();
        // What was unpacked before an error counts all the same.
        let _ = MultiGzDecoder::new(bytes).take(ALL).read_to_end(&mut unpacked);
        if is_tar(&unpacked) { tar_files(&unpacked, each) } else { each("", &unpacked) }
    } else if is_tar(bytes) {
        tar_files(bytes, each);
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262).is_some_and(|magic| magic == b"ustar")
}

fn zip_files(bytes: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return };
    let mut left = ALL;
    for index in 0..archive.len().min(MOST) {
        let Ok(file) = archive.by_index(index) else { continue };
        if !file.is_file() {
            continue;
        }
        let Ok(path) = file.name().map(std::borrow::Cow::into_owned) else { continue };
        let mut unpacked = Vec::new();
        if file.take(ONE.min(left)).read_to_end(&mut unpacked).is_ok() {
            each(&path, &unpacked);
        }
        left = left.saturating_sub(unpacked.len() as u64);
        if left == 0 {
            return;
        }
    }
}

fn tar_files(bytes: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let Ok(entries) = archive.entries() else { return };
    for entry in entries.take(MOST) {
        let Ok(entry) = entry else { return };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut unpacked = Vec::new();
        if entry.take(ONE).read_to_end(&mut unpacked).is_ok() {
            each(&path, &unpacked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::Arc};

    use gonogo_domain::evidence::Role;

    use super::*;
    use crate::{File, scan};

    /// Assembled at run time, so that no scanner takes this file for a leak.
    fn text() -> Vec<u8> {
        ["token: gl", "pat-", "Zq4v9Lm2", "Xt7bRw8c", "Kd3f\n"].concat().into_bytes()
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn tarred(text: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, "etc/shop.yaml", text).unwrap();
        builder.into_inner().unwrap()
    }

    fn check(path: &str, bytes: &[u8], expect: &[&str]) {
        let path = Arc::from(path);
        let found = scan(&File { path: &path, role: Role::Product, bytes });
        let titles: Vec<String> = found.iter().map(|one| format!("{} {}", one.place, one.title.en)).collect();
        assert_eq!(titles, expect);
    }

    #[test]
    fn texts_in_archives_are_read() {
        check("a.gz", &packed(&text()), &["a.gz a GitLab token"]);
        check("a.tar", &tarred(&text()), &["a.tar a GitLab token in etc/shop.yaml"]);
        check("a.tgz", &packed(&tarred(&text())), &["a.tgz a GitLab token in etc/shop.yaml"]);
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("shop.yaml", zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&text()).unwrap();
        check("a.jar", &writer.finish().unwrap().into_inner(), &["a.jar a GitLab token in shop.yaml"]);
    }

    #[test]
    fn what_is_broken_or_unpacks_without_end_is_bounded() {
        let whole = packed(&tarred(&text()));
        for end in [0, 3, 10, whole.len() / 2, whole.len() - 1] {
            check(
                "a.tgz",
                &whole[..end],
                if end + 1 == whole.len() { &["a.tgz a GitLab token in etc/shop.yaml"] } else { &[] },
            );
        }
        check("a.gz", &packed(&vec![0; 1 << 20]), &[]);
        check("a.zip", b"PK\x03\x04 and then nothing", &[]);
    }
}
