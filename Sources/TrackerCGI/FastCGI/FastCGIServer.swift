import CLibrary
import Synchronization
import TrackerCore

/// The FastCGI server: listening sockets, connections and a thread pool.
///
/// Idle connections, requests that are still arriving and clients that don't read occupy no thread.
final class FastCGIServer: Sendable {
    private struct Registry: Sendable {
        var connections: [UInt64: FastCGIConnection] = [:]
        var listeners: [FastCGIListener] = []
        var nextToken: UInt64 = 1024
        /// Whether accepting pauses until a connection closes or the next sweep runs.
        var isListeningPaused = false
        /// The last sweep found nothing to watch, so the main thread may sleep for long.
        var isIdle = false
    }

    let app: CGIApp
    let limits: CGIAppConfiguration.FastCGI
    let log: RateLimitedLog
    let pool: WorkerPool
    /// Wakes the main thread with a signal's number, or with 0 once the last request is done or an idle server has
    /// something to watch.
    let control: WakePipe
    let admission: FastCGIAdmission
    private let allowedPeers: AllowedPeers
    private let state: ThreadLock<Registry>
    private let stopping = Atomic<Bool>(false)
    private let hasWarnedAboutHead = Atomic<Bool>(false)

    /// - Parameter listeners: at least one; any beyond 64 are ignored.
    init(_ app: CGIApp, listeners: [FastCGIListener]) throws(SystemError) {
        self.app = app
        limits = app.config.fastCGI
        log = RateLimitedLog(app.config.log)
        let listeners = Array(listeners.prefix(64))
        state = ThreadLock(Registry(listeners: listeners))
        allowedPeers = AllowedPeers.fromEnvironment(log)
        pool = try WorkerPool(
            maximumThreads: limits.maximumThreads, maximumWaiting: limits.maximumWaitingRequests, log: log)
        control = try WakePipe()
        admission = FastCGIAdmission(
            maximumConnections: OpenFiles.connections(limits.maximumConnections, log),
            maximumRequests: limits.maximumRequests, maximumBodyBytes: limits.maximumTotalBodyBytes)
        for (index, listener) in listeners.enumerated() {
            listener.descriptor.prepareAcceptedSockets()
            try pool.poller.add(
                listener.descriptor.number, token: WorkerPool.firstFreeToken + UInt64(index),
                interest: [.read, .oneShot])
        }
    }

    /// Starts accepting connections.
    func start() {
        pool.start { [self] event, worker in
            if event.token < WorkerPool.firstFreeToken + 64 {
                accept(Int(event.token - WorkerPool.firstFreeToken), on: worker)
            } else {
                let connection = state.withLock { $0.connections[event.token] }
                connection?.handle(event, on: worker)
            }
        }
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }
    func stop() { stopping.store(true, ordering: .releasing) }
    var openConnections: Int { state.withLock { $0.connections.count } }

    // MARK: Connections

    /// Accepts some of the connections pending on a listening socket, and handles the first on this thread.
    private func accept(_ index: Int, on worker: Worker) {
        guard !isStopping, let listener = listener(index) else { return }
        var taken: [FastCGIConnection] = []
        while taken.count < Self.connectionsAtOnce {
            guard makeRoom() else { break }
            do {
                // The listening socket may be shared with other processes, one of which may have been faster.
                guard listener.descriptor.wait(toWrite: false, milliseconds: taken.isEmpty ? 1 : 0),
                    let number = try TCPListener.accept(listener.descriptor.number, nonBlocking: true)
                else { break }
                if let connection = take(Descriptor(number)) { taken.append(connection) }
            } catch {
                // Stopping closes the listening socket under this thread.
                guard !isStopping else { break }
                log.write("accept", "can't accept a connection: \(error)")
                // Probably out of descriptors: idle connections make room. If there are none, the sweep retries.
                let isShort = [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.code)
                if !isShort || !evict() { pauseListening() }
                break
            }
        }
        if !state.withLock({ $0.isListeningPaused }) { listen(index) }
        // If this connection's handler blocks, other threads get the others from the poller.
        taken.first?.handleNew(on: worker)
    }

    private static let connectionsAtOnce = 16

    private func take(_ accepted: Descriptor) -> FastCGIConnection? {
        guard allowedPeers.mayConnect(accepted) else {
            log.write("peer", "a connection was refused: its address is not in FCGI_WEB_SERVER_ADDRS")
            return nil
        }
        let connection = addWork { state in
            let connection = FastCGIConnection(accepted, token: state.nextToken, server: self)
            state.nextToken += 1
            state.connections[connection.token] = connection
            return connection
        }
        do {
            // Edge-triggered, but input that is already there is reported.
            try pool.poller.add(accepted.number, token: connection.token, interest: [.read, .edge])
            return connection
        } catch {
            log.write("poll", "a connection was closed: \(error)")
            connection.close()
            return nil
        }
    }

    private func listener(_ index: Int) -> FastCGIListener? {
        state.withLock { $0.listeners.indices.contains(index) ? $0.listeners[index] : nil }
    }

    /// Watches a listening socket for the next connection.
    private func listen(_ index: Int) {
        guard !isStopping, let listener = listener(index) else { return }
        try? pool.poller.modify(
            listener.descriptor.number, token: WorkerPool.firstFreeToken + UInt64(index), interest: [.read, .oneShot])
    }

    private func pauseListening() { addWork { $0.isListeningPaused = true } }

    /// Adds something that the main thread must watch, and wakes it from a long sleep.
    private func addWork<Result>(_ change: (inout Registry) -> Result) -> Result {
        let (result, wasIdle) = state.withLock { state in
            defer { state.isIdle = false }
            return (change(&state), state.isIdle)
        }
        if wasIdle { control.write(0) }
        return result
    }

    private func listenAgain() {
        let count = state.withLock { state in
            defer { state.isListeningPaused = false }
            return state.isListeningPaused ? state.listeners.count : 0
        }
        for index in 0..<count { listen(index) }
    }

    /// Makes room at the limit: closes the connections that have been idle longest, or else those with an unfinished
    /// request that have been silent longest.
    private func makeRoom() -> Bool {
        guard state.withLock({ $0.connections.count >= admission.maximumConnections }) else { return true }
        if evict() { return true }
        log.write("connections", "all \(admission.maximumConnections) connections are busy: new ones must wait")
        pauseListening()
        return false
    }

    /// - Returns: whether there was a connection to close.
    private func evict() -> Bool {
        let candidates = EvictionOrder.candidates(state.withLock { Array($0.connections.values) })
        // Several at a time, so that a flood can't make every new connection cost a scan of all.
        for candidate in candidates.prefix(max(1, admission.maximumConnections / 64)) { candidate.close() }
        return !candidates.isEmpty
    }

    /// Rearms the poller for a connection.
    func watch(_ connection: FastCGIConnection, _ interest: Poller.Interest) {
        // Fails only for a connection that is being closed.
        try? pool.poller.modify(connection.descriptor.number, token: connection.token, interest: interest)
    }

    func forget(_ connection: FastCGIConnection) {
        pool.poller.remove(connection.descriptor.number)
        state.withLock { $0.connections[connection.token] = nil }
        listenAgain()
    }

    /// Enforces every connection's time limits.
    ///
    /// - Returns: false if there is nothing to watch. Then the server writes to ``control`` once there is.
    @discardableResult
    func sweep() -> Bool {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { connection.checkTimes() }
        listenAgain()
        return state.withLock { state in
            // A limit of memory needs regular checks anyway.
            state.isIdle =
                limits.maximumResidentBytes == 0 && state.connections.isEmpty && !state.isListeningPaused
            return !state.isIdle
        }
    }

    // MARK: Shutdown

    /// Stops accepting connections. Those pending on the process's own sockets are still accepted: nobody else would.
    func closeListeners() {
        stop()
        let listeners = state.withLock { state in
            defer { state.listeners = [] }
            return state.listeners
        }
        for listener in listeners {
            pool.poller.remove(listener.descriptor.number)
            while listener.isOwned, openConnections < admission.maximumConnections,
                let number = try? TCPListener.accept(listener.descriptor.number, nonBlocking: true)
            {
                _ = take(Descriptor(number))
            }
            listener.close()
        }
    }

    /// Closes connections without a request. The web server may be about to use one that it used a moment ago: those
    /// close with their next response, or once they have been silent long enough.
    ///
    /// - Returns: how many are left.
    func closeIdleConnections(silentFor milliseconds: Int = 0) -> Int {
        let now = SystemClock.milliseconds()
        for connection in state.withLock({ Array($0.connections.values) }) {
            let (priority, lastActivity) = connection.priority
            // Input that has arrived is about to be read.
            guard priority == .idle, now - lastActivity >= milliseconds,
                !connection.descriptor.wait(toWrite: false, milliseconds: 0) || connection.descriptor.isPeerGone
            else { continue }
            connection.close()
        }
        return openConnections
    }

    // MARK: Requests

    /// Runs requests: the first on this thread if it may block, the others on the pool.
    func run(_ ready: [FastCGIReadyRequest], of connection: FastCGIConnection, on worker: Worker?) {
        for (index, one) in ready.enumerated().reversed() {
            let exchange = FastCGIExchange(connection: connection, id: one.id, serial: one.serial)
            if one.isStreaming { exchange.attachBody(to: one) }
            FastCGIResponder(server: self, ready: one, exchange: exchange).start(on: index == 0 ? worker : nil)
        }
    }

    func requestIsDone() {
        let left = admission.release()
        if left == 0, isStopping { control.write(0) }
        if limits.maximumRequestsPerProcess > 0, admission.requests >= UInt64(limits.maximumRequestsPerProcess) {
            control.write(UInt8(SIGTERM))
        }
    }

    func context() -> FastCGIContext {
        FastCGIContext(app: app.snapshot, admission: admission, now: SystemClock.milliseconds())
    }

    func warnAboutLargeHead(_ count: Int) {
        if hasWarnedAboutHead.exchange(true, ordering: .relaxed) { return }
        app.config.log(
            "tracker-cgi: a response's headers take \(count) bytes; nginx answers 502 above fastcgi_buffer_size (4k)")
    }
}
