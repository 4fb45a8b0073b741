use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, sendto, socket_with};
use rustix::thread::UnshareFlags;

/// Moves this thread into a network of its own, where there is nothing but a loopback device, so that programs which
/// talk to themselves still work. False where that is not permitted; the network must be [denied](deny) then.
pub(super) fn isolate() -> bool {
    #[allow(
        deprecated,
        reason = "its successor is unsafe because of another flag; a new network namespace leaves memory and files alone"
    )]
    let alone = rustix::thread::unshare(UnshareFlags::NEWNET).is_ok();
    if alone {
        // Without it programs that talk to themselves fail, and nothing else does.
        let _ = loopback_up();
    }
    alone
}

/// Denies this thread every socket but those between processes of this machine. For where it can't be isolated:
/// Landlock by itself knows only TCP.
pub(super) fn deny() -> Result<(), seccompiler::Error> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };
    let families = [libc::AF_UNIX, libc::AF_NETLINK];
    let conditions = families.iter().map(|family| {
        SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(family.unsigned_abs()),
        )
    });
    let rule = SeccompRule::new(conditions.collect::<Result<_, _>>()?)?;
    // A ring could open sockets without the system call that is watched.
    let rules = [
        (libc::SYS_socket, vec![rule]),
        (libc::SYS_io_uring_setup, Vec::new()),
    ];
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

/// `ip link set lo up`, as a netlink message (rtnetlink(7)): a new network namespace begins with it down.
fn loopback_up() -> rustix::io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const IFF_UP: u32 = 1;
    // A new namespace's first device is always the loopback.
    const LOOPBACK: i32 = 1;

    let mut message = Vec::new();
    message.extend(32u32.to_ne_bytes()); // length of it all
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend(1u32.to_ne_bytes()); // sequence number
    message.extend(0u32.to_ne_bytes()); // to the kernel
    message.extend([0, 0]); // address family: any; padding
    message.extend(0u16.to_ne_bytes()); // device type: any
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes()); // flags
    message.extend(IFF_UP.to_ne_bytes()); // which of them change

    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE, which is protocol 0.
        None,
    )?;
    sendto(
        &socket,
        &message,
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    Ok(())
}
