//! Processor time of processes.

use crate::Failure;
use std::fs;

/// Ticks of a second in `/proc`, on every Linux of today.
const TICKS: f64 = 100.0;

/// Seconds of processor time of a process and of those of its children that have ended.
pub(crate) fn with_ended_children(pid: u32) -> Result<f64, Failure> {
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
