import Synchronization
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The FastCGI runtime: a pool of threads around one poller.
///
/// Whichever thread gets an event reads the connection, and if that completes a request runs its handler and sends
/// the answer, without a change of thread. The pool grows while all of its threads are busy, so that a handler that
/// blocks costs its own thread alone; connections that are idle or half-sent cost none.
final class FastCGIServer: Sendable {
    typealias Job = @Sendable (FastCGIWorker) -> Void

    struct State: Sendable {
        var connections: [UInt64: FastCGIConnection] = [:]
        var nextToken: UInt64 = 16
        var jobs: [Job] = []
        var isListenerPaused = false
    }

    let app: CGIApp
    let limits: CGIAppConfiguration.FastCGI
    let log: RateLimitedLog
    let poller: Poller
    let listener: FastCGIListener
    let allowedPeers: [String]
    let control: ControlPipe
    let state = ThreadLock(State())
    private let serials = Atomic<UInt64>(0)
    private let activeRequests = Atomic<Int>(0)
    private let idleThreads = Atomic<Int>(0)
    private let threads = Atomic<Int>(0)
    private let finishedEvents = Atomic<UInt64>(0)
    private let isStarved = Atomic<Bool>(false)
    private let overseer = ConditionLock((isStarted: false, isAwake: false))
    private let stopping = Atomic<Bool>(false)
    private let hasWarnedOfHead = Atomic<Bool>(false)
    private let wake: ControlPipe

    static let wakeToken: UInt64 = 1
    static let listenerToken: UInt64 = 2

    init(_ app: CGIApp, listener: FastCGIListener) throws(SystemError) {
        self.app = app
        self.listener = listener
        limits = app.config.fastCGI
        log = RateLimitedLog(app.config.log)
        allowedPeers = FastCGIListener.allowedPeers()
        poller = try Poller()
        control = try ControlPipe()
        wake = try ControlPipe()
        try poller.add(wake.readEnd.number, token: Self.wakeToken, interest: [.read, .edge])
        try poller.add(listener.descriptor.number, token: Self.listenerToken, interest: [.read, .oneShot])
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }
    func stop() { stopping.store(true, ordering: .releasing) }
    var requestsInWork: Int { activeRequests.load(ordering: .acquiring) }

    // MARK: Threads

    /// Starts another thread if none is waiting for events: at once up to one more than there are processors, beyond
    /// that only where the threads are stuck. More threads than that just take the processors from each other.
    func growIfBusy() {
        guard idleThreads.load(ordering: .relaxed) == 0 else { return }
        if threads.load(ordering: .relaxed) < Self.quickThreads {
            startThread()
        } else if !isStarved.exchange(true, ordering: .acquiringAndReleasing) {
            overseer.withLock { $0.isAwake = true }
            overseer.broadcast()
            startOverseer()
        }
    }

    private static let quickThreads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 1

    private func startThread() {
        let count = threads.wrappingAdd(1, ordering: .relaxed).newValue
        guard count <= max(1, min(limits.maximumThreads, 1024)) else {
            threads.wrappingSubtract(1, ordering: .relaxed)
            return
        }
        // Counted as idle from here on, or a burst would start one thread for each of its requests.
        idleThreads.wrappingAdd(1, ordering: .relaxed)
        do {
            try DetachedThread.start(name: "fastcgi", stackBytes: 1 << 20) { self.work() }
        } catch {
            idleThreads.wrappingSubtract(1, ordering: .relaxed)
            threads.wrappingSubtract(1, ordering: .relaxed)
            log.write("thread", "no further thread can be started: \(error)")
        }
    }

    private func startOverseer() {
        let isFirst = overseer.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        do {
            try DetachedThread.start(name: "fastcgi-pool", stackBytes: 256 << 10) { self.oversee() }
        } catch {
            overseer.withLock { $0.isStarted = false }
            isStarved.store(false, ordering: .releasing)
            startThread()
        }
    }

    /// Adds a thread whenever all of them have been at work on the same events for two milliseconds.
    private func oversee() {
        while true {
            _ = overseer.wait(milliseconds: 3_600_000) { state -> Bool? in
                defer { state.isAwake = false }
                return state.isAwake ? true : nil
            }
            while idleThreads.load(ordering: .relaxed) == 0 {
                let before = finishedEvents.load(ordering: .relaxed)
                usleep(2000)
                if finishedEvents.load(ordering: .relaxed) == before { startThread() }
            }
            isStarved.store(false, ordering: .releasing)
            // Whoever became busy just before that did not wake us.
            if idleThreads.load(ordering: .sequentiallyConsistent) == 0 { growIfBusy() }
        }
    }

    private func work() {
        let worker = FastCGIWorker()
        while true {
            let event = poller.waitForOne(milliseconds: 30_000)
            idleThreads.wrappingSubtract(1, ordering: .relaxed)
            if let event {
                switch event.token {
                case Self.wakeToken:
                    wake.drain()
                    while let job = takeJob() { job(worker) }
                case Self.listenerToken: accept(on: worker)
                default:
                    let connection = state.withLock { $0.connections[event.token] }
                    connection?.handle(event, on: worker)
                }
                while let job = takeJob() { job(worker) }
            } else if idleThreads.load(ordering: .relaxed) >= 2 {
                threads.wrappingSubtract(1, ordering: .relaxed)
                return
            }
            finishedEvents.wrappingAdd(1, ordering: .relaxed)
            idleThreads.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Takes a job off the queue. Nothing else must wait for the end of it: a thread for what comes next is seen to, and
    /// one is woken if that is another job.
    private func takeJob() -> Job? {
        let (job, isLast) = state.withLock { state -> (Job?, Bool) in
            (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.jobs.isEmpty)
        }
        if job != nil { growIfBusy() }
        if !isLast { wake.write(1) }
        return job
    }

    /// Runs a job on some thread of the pool.
    func submit(_ job: @escaping Job) {
        state.withLock { $0.jobs.append(job) }
        growIfBusy()
        wake.write(1)
    }

    // MARK: Requests

    /// Runs requests: the first one on this very thread, if it may.
    func run(_ ready: [FastCGIConnectionState.Ready], of connection: FastCGIConnection, on worker: FastCGIWorker?) {
        for (index, one) in ready.enumerated().reversed() {
            let exchange = FastCGIExchange(connection: connection, id: one.id, serial: one.serial)
            let responder = FastCGIResponder(server: self, ready: one, exchange: exchange)
            if index == 0, let worker {
                growIfBusy()
                responder.run(on: worker)
            } else {
                submit { responder.run(on: $0) }
            }
        }
    }

    func claimRequest(maximum: Int) -> Bool {
        if activeRequests.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue <= maximum { return true }
        requestIsDone()
        return false
    }

    func requestIsDone() {
        let left = activeRequests.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0, isStopping { control.write(0) }
    }

    func nextSerial() -> UInt64 { serials.wrappingAdd(1, ordering: .relaxed).newValue }

    func context(for connection: FastCGIConnection) -> FastCGIContext {
        FastCGIContext(app: app.snapshot, server: self, connection: connection, now: Clock.milliseconds)
    }

    func warnOfBigHead(_ count: Int) {
        if hasWarnedOfHead.exchange(true, ordering: .relaxed) { return }
        app.config.log(
            "tracker-cgi: a response's headers take \(count) bytes; nginx answers 502 above fastcgi_buffer_size (4k)")
    }
}
