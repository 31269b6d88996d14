//! What the machine tells: memory of a process, and what one fdatasync costs; processor time is in `shared`.

use crate::Failure;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The most memory a process has had, in MiB.
pub(crate) fn peak_memory_mib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1_024)
}

/// Time of one write of a page with fdatasync: median of so many.
pub(crate) fn fdatasync(folder: &Path, times: usize) -> Result<Duration, Failure> {
    let path = folder.join("fdatasync");
    let mut file = fs::File::create(&path)?;
    file.write_all(&vec![1; 8_192 * 64])?;
    file.sync_all()?;
    let mut took = vec![];
    for n in 0..times {
        use std::os::unix::fs::FileExt;
        let begun = Instant::now();
        file.write_all_at(&[7; 8_192], u64::try_from(n % 64)? * 8_192)?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    fs::remove_file(path)?;
    took.sort_unstable();
    Ok(took[took.len() / 2])
}
