//! What a child gives up: memory and time beyond its limits, and every system call that reading a
//! stream does not need.
//!
//! Invariant: afterwards it can open no file and no connection, start no process and reach no other
//! one; it keeps its three streams, temporary files without names, and threads.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::process;

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, nice, set_parent_process_death_signal, setrlimit,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::child::Limited;

/// Address space beyond the memory that may be written: the program itself, and what allocators
/// reserve and do not use.
const RESERVED: u64 = 1024 * 1024 * 1024;
/// Bytes of a temporary file.
const FILE: u64 = 1024 * 1024 * 1024;
/// How much lower its priority is than the server's.
const NICE: i32 = 10;

/// Sets what the kernel holds a process to.
pub(crate) fn limit(limited: &Limited) -> io::Result<()> {
    // Whoever started this reads the answer: without them there is nothing to do.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let seconds = limited.seconds;
    let space = limited.memory.saturating_add(RESERVED);
    for (resource, most, hardest) in [
        (Resource::Data, limited.memory, limited.memory),
        (Resource::As, space, space),
        // The first tells why it ends, the second ends it whatever it makes of the first.
        (Resource::Cpu, seconds, seconds.saturating_add(1)),
        (Resource::Fsize, FILE, FILE),
        (Resource::Nofile, 16, 16),
        (Resource::Core, 0, 0),
    ] {
        // Nobody may raise a limit that was set outside.
        let outside = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(most.min(outside)),
            maximum: Some(hardest.min(outside)),
        };
        setrlimit(resource, limit)?;
    }
    // Neither is worth failing for: some kernels and containers forbid them.
    let _ = nice(NICE);
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Forbids all system calls but those that reading a stream, threads and memory need. What is
/// forbidden seems not to exist, so that the C library does without.
///
/// # Errors
/// Where the kernel or what contains the server has no such filters: the limits hold all the same.
pub(crate) fn forbid() -> io::Result<()> {
    let architecture = TargetArch::try_from(env::consts::ARCH)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let unset = |error: seccompiler::BackendError| io::Error::other(error.to_string());
    let filter = SeccompFilter::new(
        rules().map_err(unset)?,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        architecture,
    );
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(unset)?;
    apply_filter(&program).map_err(|error| io::Error::other(error.to_string()))
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let mut only = |call: i64, conditions: &[(u8, SeccompCmpOp, u64)]| {
        let conditions = conditions.iter().map(|(argument, compare, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Qword, compare.clone(), *value)
        });
        let rule = SeccompRule::new(conditions.collect::<Result<_, _>>()?)?;
        rules.insert(call, vec![rule]);
        Ok::<_, seccompiler::BackendError>(())
    };
    // Threads and no processes. The call that came after this one cannot be looked into; without
    // it, this one is used.
    let thread = libc::CLONE_THREAD as u64;
    only(
        libc::SYS_clone,
        &[(0, SeccompCmpOp::MaskedEq(thread), thread)],
    )?;
    // Memory that holds data and no code.
    let code = libc::PROT_EXEC as u64;
    only(libc::SYS_mmap, &[(2, SeccompCmpOp::MaskedEq(code), 0)])?;
    only(libc::SYS_mprotect, &[(2, SeccompCmpOp::MaskedEq(code), 0)])?;
    // Its own limits may be read.
    only(
        libc::SYS_prlimit64,
        &[(0, SeccompCmpOp::Eq, 0), (2, SeccompCmpOp::Eq, 0)],
    )?;
    // It may abort itself.
    let own = u64::from(process::id());
    only(libc::SYS_tgkill, &[(0, SeccompCmpOp::Eq, own)])?;
    Ok(rules)
}

/// Calls that are allowed whatever their arguments are.
const ALLOWED: &[i64] = &[
    // The streams and the temporary files.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_fstat,
    libc::SYS_close,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals of its own.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
];

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, UdpSocket};
    use std::process::Command;
    use std::thread;

    use super::*;

    /// The filter holds for the thread that asks for it and those that it starts.
    #[test]
    fn nothing_can_be_reached_afterwards() {
        let before = File::open("/proc/self/status").is_ok();
        let confined = thread::spawn(|| {
            let forbidden = forbid();
            let reached = [
                ("a file", File::open("/etc/passwd").is_ok()),
                ("a new file", tempfile::tempfile().is_ok()),
                ("a listener", TcpListener::bind("127.0.0.1:0").is_ok()),
                ("a socket", UdpSocket::bind("127.0.0.1:0").is_ok()),
                ("a program", Command::new("/bin/true").status().is_ok()),
                ("a folder", fs::read_dir("/").is_ok()),
                ("another folder", env::set_current_dir("/").is_ok()),
                ("a limit", {
                    let limit = getrlimit(Resource::Nofile);
                    setrlimit(Resource::Nofile, limit).is_ok()
                }),
            ];
            // What reading a layer needs goes on.
            let thread = thread::Builder::new().spawn(|| vec![1_u8; 64 * 1024 * 1024].len());
            let memory = thread.ok().and_then(|thread| thread.join().ok());
            (forbidden.is_ok(), reached, memory)
        });
        let (forbidden, reached, memory) = confined.join().expect("it does not panic");
        assert!(before && forbidden, "the kernel has filters");
        for (what, reached) in reached {
            assert!(!reached, "{what} was reached");
        }
        assert_eq!(memory, Some(64 * 1024 * 1024));
    }
}
