//! What the machine tells: processor time of processes, and what one fdatasync costs.

use crate::Failure;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Ticks of a second in `/proc`, on every Linux of today.
const TICKS: f64 = 100.0;

/// Seconds of processor time of a process and of those of its children that have ended.
fn with_ended_children(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold blanks; behind it user, system and the children's times are the 12th to 15th field.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields.get(11..15).unwrap_or_default().iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}

/// Seconds of processor time of a process and all its children, running or ended.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64, Failure> {
    let mut seconds = with_ended_children(pid)?;
    for entry in fs::read_dir("/proc")? {
        let Ok(child) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        let parent = fs::read_to_string(format!("/proc/{child}/stat"))
            .ok()
            .and_then(|stat| stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(pid) {
            seconds += with_ended_children(child).unwrap_or_default();
        }
    }
    Ok(seconds)
}

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
