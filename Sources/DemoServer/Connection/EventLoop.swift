import CLibrary
import Synchronization
import TrackerCore

/// An event loop: one thread that polls many sockets and runs the tasks that serve them.
///
/// As a task executor it keeps a request on this thread from its first byte to its last, unless the handler leaves it,
/// so serving a request wakes no other thread.
///
/// `@unchecked Sendable`: the mutable state outside `shared` is touched only on the loop's own thread. Only `enqueue`
/// and `stop` are called from other threads, and these use `shared`, the atomic and the wake pipe.
final class EventLoop: TaskExecutor, @unchecked Sendable {
    private struct Shared {
        var jobs: [UnownedJob] = []
        var isWakePending = false
        var isStopped = false
    }

    private let shared = Mutex(Shared())
    private let poller: Poller
    private let waker: WakePipe
    /// The ID of the loop's thread; 0 while it does not run. Only compared with the calling thread's.
    private let thread = Atomic<UInt>(0)

    // Used only on the loop's thread:
    private var ownJobs: [UnownedJob] = []
    private var sockets: [UInt64: Socket] = [:]
    private var nextToken: UInt64 = 2
    private var acceptor: (descriptor: Int32, action: () -> Bool)?
    private var acceptsAgainAt: UInt64 = 0
    private var nextSweep: UInt64 = 0
    private var dateSecond: Int64 = 0
    private var date: [UInt8] = []
    /// The receive buffer of all sockets: one uses it at a time, and only until its next suspension.
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

    /// Ends the thread once the jobs it runs have suspended. Any thread may call this.
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

    // MARK: The loop

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
        // Jobs enqueue jobs. Those enqueued during this pass run in the next turn, after the sockets.
        let jobs = ownJobs
        ownJobs.removeAll(keepingCapacity: true)
        for job in jobs { job.runSynchronously(on: executor) }
    }

    private func dispatch(_ event: Poller.Event) {
        switch event.token {
        case Self.wakeToken:
            waker.drainAll()
        case Self.acceptToken:
            guard let acceptor else { return }
            if !acceptor.action() {
                // No file descriptor is free: retry later instead of spinning.
                poller.remove(acceptor.descriptor)
                acceptsAgainAt = SystemClock.monotonicNanoseconds() + 100_000_000
            }
        default: sockets[event.token]?.becameReady(event)
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

    // MARK: On the loop's thread

    /// - Parameter action: accepts connections; returns false if no file descriptor is free.
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

    /// Stops all reports about a socket until `watchAgain`, even of a hangup.
    func unwatch(_ socket: Socket) {
        poller.remove(socket.descriptor)
    }

    func watchAgain(_ socket: Socket, _ interest: Poller.Interest) {
        try? poller.add(socket.descriptor, token: socket.token, interest: interest)
    }

    func unregister(_ socket: Socket) {
        guard sockets.removeValue(forKey: socket.token) != nil else { return }
        poller.remove(socket.descriptor)
    }

    /// Closes every connection that is waiting for a new request.
    func closeIdle() {
        for socket in sockets.values { socket.endIfIdle() }
    }

    /// Shuts down all connections, idle or not.
    func breakAll() {
        for socket in sockets.values { shutdown(socket.descriptor, Int32(SHUT_RDWR)) }
    }

    /// Returns the value of the `Date` field, formatted once a second.
    func currentDate() -> [UInt8] {
        let second = SystemClock.wallNanoseconds() / 1_000_000_000
        if second != dateSecond {
            dateSecond = second
            date = Array(HTTPDate.format(second).utf8)
        }
        return date
    }
}
