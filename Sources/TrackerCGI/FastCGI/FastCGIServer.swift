import CLibrary
import Synchronization
import TrackerCore

/// The FastCGI server: listening sockets, connections and a pool of threads.
///
/// Connections that are idle or half-sent, and clients that don't read, cost no thread.
final class FastCGIServer: Sendable {
    private struct Registry: Sendable {
        var connections: [UInt64: FastCGIConnection] = [:]
        var listeners: [FastCGIListener] = []
        var nextToken: UInt64 = 1024
        /// No connection is taken until one has gone, or a second has passed.
        var isListeningPaused = false
    }

    let app: CGIApp
    let limits: CGIAppConfiguration.FastCGI
    let log: RateLimitedLog
    let pool: WorkerPool
    /// Wakes the main thread: a signal's number, or 0 once the last request is done.
    let control: WakePipe
    let admission: FastCGIAdmission
    private let allowedPeers: AllowedPeers
    private let state: ThreadLock<Registry>
    private let stopping = Atomic<Bool>(false)
    private let hasWarnedOfHead = Atomic<Bool>(false)

    /// - Parameter listeners: at least one, at most 64.
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
            try pool.poller.add(
                listener.descriptor.number, token: WorkerPool.firstFreeToken + UInt64(index),
                interest: [.read, .oneShot])
        }
    }

    /// Begins to take connections.
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

    /// A listening socket has connections: takes some of them, and goes on with the first one's request.
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
                log.write("accept", "no connection can be taken now: \(error)")
                // Out of descriptors: those that do nothing make room. Otherwise the sweep tries again.
                if !evict() { state.withLock { $0.isListeningPaused = true } }
                break
            }
        }
        if !state.withLock({ $0.isListeningPaused }) { listen(index) }
        // Other threads hear of the others from the poller, should this one's handler block.
        taken.first?.handleNew(on: worker)
    }

    private static let connectionsAtOnce = 16

    private func take(_ accepted: Descriptor) -> FastCGIConnection? {
        guard allowedPeers.mayConnect(accepted) else {
            log.write("peer", "a connection was refused: its address is not in FCGI_WEB_SERVER_ADDRS")
            return nil
        }
        accepted.sendWithoutDelay()
        let connection = state.withLock { state in
            let connection = FastCGIConnection(accepted, token: state.nextToken, server: self)
            state.nextToken += 1
            state.connections[connection.token] = connection
            return connection
        }
        do {
            // For edges: what is there already is reported.
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

    private func listenAgain() {
        let count = state.withLock { state in
            defer { state.isListeningPaused = false }
            return state.isListeningPaused ? state.listeners.count : 0
        }
        for index in 0..<count { listen(index) }
    }

    /// At the limit, connections that do nothing give way: those that have been idle longest, or on which a request has
    /// been arriving for longest.
    private func makeRoom() -> Bool {
        guard state.withLock({ $0.connections.count >= admission.maximumConnections }) else { return true }
        if evict() { return true }
        log.write("connections", "all \(admission.maximumConnections) connections are busy: new ones have to wait")
        state.withLock { $0.isListeningPaused = true }
        return false
    }

    /// - Returns: whether there was a connection that does nothing.
    private func evict() -> Bool {
        let candidates = EvictionOrder.candidates(state.withLock { Array($0.connections.values) })
        // A few at a time: to look at all of them for each new one is work that whoever floods us can cause.
        for candidate in candidates.prefix(max(1, admission.maximumConnections / 64)) { candidate.close() }
        return !candidates.isEmpty
    }

    /// Asks for the events of a connection anew.
    func watch(_ connection: FastCGIConnection, _ interest: Poller.Interest) {
        // Fails only for a connection that is being closed.
        try? pool.poller.modify(connection.descriptor.number, token: connection.token, interest: interest)
    }

    func forget(_ connection: FastCGIConnection) {
        pool.poller.remove(connection.descriptor.number)
        state.withLock { $0.connections[connection.token] = nil }
        listenAgain()
    }

    /// Checks every connection's time limits.
    ///
    /// - Returns: false if there are no connections, and so nothing to check soon.
    @discardableResult
    func sweep() -> Bool {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { connection.checkTimes() }
        listenAgain()
        return !connections.isEmpty
    }

    // MARK: The end

    /// Takes no more connections. What waits at a socket of our own is still taken: nobody else would.
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

    /// Closes connections without a request. A web server may be about to use one that it used a moment ago: those are
    /// left, and get closed with their next answer, or when they have been silent.
    ///
    /// - Returns: how many are left.
    func closeIdleConnections(silentFor milliseconds: Int = 0) -> Int {
        let now = SystemClock.milliseconds()
        for connection in state.withLock({ Array($0.connections.values) }) {
            let (worth, lastActivity) = connection.worth
            // What has arrived is about to be read.
            guard worth == .idle, now - lastActivity >= milliseconds,
                !connection.descriptor.wait(toWrite: false, milliseconds: 0) || connection.descriptor.isPeerGone
            else { continue }
            connection.close()
        }
        return openConnections
    }

    // MARK: Requests

    /// Runs requests: the first one on this very thread, if it may.
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

    func warnOfBigHead(_ count: Int) {
        if hasWarnedOfHead.exchange(true, ordering: .relaxed) { return }
        app.config.log(
            "tracker-cgi: a response's headers take \(count) bytes; nginx answers 502 above fastcgi_buffer_size (4k)")
    }
}
