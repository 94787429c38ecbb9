import CLibrary
import Synchronization
import TrackerCore

/// One thread that waits for many sockets, and runs the tasks that serve them.
///
/// As a task executor it keeps a request on this thread from its first byte to its last, as long as its handler does
/// not leave it: no thread is woken to serve a request.
///
/// `@unchecked Sendable`: what is not in `shared` is touched by the loop's own thread alone. Its methods say which.
final class EventLoop: TaskExecutor, @unchecked Sendable {
    private struct Shared {
        var jobs: [UnownedJob] = []
        var isWakePending = false
        var isStopped = false
    }

    private let shared = Mutex(Shared())
    private let poller: Poller
    private let waker: WakePipe
    /// The loop's thread, as a number; 0 before it runs. Only ever compared with the caller's own.
    private let thread = Atomic<UInt>(0)

    // The loop's thread alone:
    private var ownJobs: [UnownedJob] = []
    private var sockets: [UInt64: Socket] = [:]
    private var nextToken: UInt64 = 2
    private var acceptor: (descriptor: Int32, action: () -> Bool)?
    private var acceptsAgainAt: UInt64 = 0
    private var nextSweep: UInt64 = 0
    private var dateSecond: Int64 = 0
    private var date: [UInt8] = []
    /// Where sockets read into; one at a time, and only until the next suspension.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    private static let wakeToken: UInt64 = 0
    private static let acceptToken: UInt64 = 1
    private static let sweepInterval: UInt64 = 200_000_000

    init() throws(SystemError) {
        poller = try Poller()
        waker = try WakePipe()
        try poller.add(waker.readEnd.number, token: Self.wakeToken, interest: .read)
    }

    deinit {
        scratch.deallocate()
        poller.close()
    }

    func start(name: String) throws(SystemError) {
        try DetachedThread.start(name: name, stackBytes: 1024 * 1024) { [self] in run() }
    }

    /// Ends the thread once what it runs has suspended. Any thread.
    func stop() {
        shared.withLock { $0.isStopped = true }
        wake()
    }

    // MARK: Executor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if thread.load(ordering: .relaxed) == Self.currentThread {
            ownJobs.append(job)
            return
        }
        let mustWake = shared.withLock { shared -> Bool in
            shared.jobs.append(job)
            defer { shared.isWakePending = true }
            return !shared.isWakePending
        }
        if mustWake { wake() }
    }

    private static var currentThread: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }

    private func wake() {
        waker.write(1)
    }

    // MARK: The thread

    private func run() {
        thread.store(Self.currentThread, ordering: .relaxed)
        while true {
            runJobs()
            if shared.withLock({ $0.isStopped }) { break }
            let events = poller.wait(milliseconds: ownJobs.isEmpty ? 200 : 0)
            for event in events { dispatch(event) }
            let now = SystemClock.monotonicNanoseconds()
            if now >= nextSweep { sweep(now) }
        }
        thread.store(0, ordering: .relaxed)
    }

    private func runJobs() {
        let foreign = shared.withLock { shared -> [UnownedJob] in
            shared.isWakePending = false
            defer { shared.jobs.removeAll(keepingCapacity: true) }
            return shared.jobs
        }
        let executor = asUnownedTaskExecutor()
        for job in foreign { job.runSynchronously(on: executor) }
        // Jobs may make jobs; those that come while these run wait for the next turn, after the sockets had theirs.
        let jobs = ownJobs
        ownJobs.removeAll(keepingCapacity: true)
        for job in jobs { job.runSynchronously(on: executor) }
    }

    private func dispatch(_ event: Poller.Event) {
        switch event.token {
        case Self.wakeToken:
            while waker.drain().count == 64 {}
        case Self.acceptToken:
            guard let acceptor else { return }
            if !acceptor.action() {
                // No descriptor is free: look again later instead of spinning.
                poller.remove(acceptor.descriptor)
                acceptsAgainAt = SystemClock.monotonicNanoseconds() + 100_000_000
            }
        default: sockets[event.token]?.becameReady(event, poller: poller)
        }
    }

    private func sweep(_ now: UInt64) {
        nextSweep = now + Self.sweepInterval
        for socket in sockets.values { socket.sweep(now) }
        if acceptsAgainAt > 0, now >= acceptsAgainAt, let acceptor {
            acceptsAgainAt = 0
            try? poller.add(acceptor.descriptor, token: Self.acceptToken, interest: .read)
        }
    }

    // MARK: The loop's thread

    /// - Parameter action: takes connections; false if that failed for want of descriptors.
    func accept(on listener: Int32, action: @escaping () -> Bool) throws(SystemError) {
        acceptor = (listener, action)
        try poller.add(listener, token: Self.acceptToken, interest: .read)
    }

    func stopAccepting() {
        if let acceptor { poller.remove(acceptor.descriptor) }
        acceptor = nil
    }

    func register(_ socket: Socket) throws(SystemError) {
        let token = nextToken
        nextToken += 1
        try poller.add(socket.descriptor, token: token, interest: .read)
        socket.token = token
        sockets[token] = socket
    }

    func watch(_ socket: Socket, _ interest: Poller.Interest) {
        try? poller.modify(socket.descriptor, token: socket.token, interest: interest)
    }

    func unregister(_ socket: Socket) {
        guard sockets.removeValue(forKey: socket.token) != nil else { return }
        poller.remove(socket.descriptor)
    }

    /// Lets every socket that waits for a new request go.
    func closeIdle() {
        for socket in sockets.values { socket.endIfIdle() }
    }

    /// Breaks all connections.
    func breakAll() {
        for socket in sockets.values { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }
    }

    /// The value of `Date`, made once a second.
    func currentDate() -> [UInt8] {
        let second = SystemClock.wallNanoseconds() / 1_000_000_000
        if second != dateSecond {
            dateSecond = second
            date = Array(HTTPDate.format(second).utf8)
        }
        return date
    }
}
