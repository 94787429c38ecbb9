import CLibrary
import Dispatch
import Synchronization
import TrackerCore

/// A small HTTP/1.1 server: a few event loops, one task per connection.
package final class HTTPServer: Sendable {
    /// Addresses, limits and timeouts.
    package struct Configuration: Sendable {
        package var host = "127.0.0.1"
        /// 0 lets the system choose.
        package var port: UInt16 = 0
        package var loops = 2
        package var maximumHeadBytes = 32 * 1024
        package var maximumFields = 200
        package var maximumBodyBytes = 16 << 20
        package var maximumConnections = 20_000
        package var idleTimeout = Duration.seconds(60)
        package var headTimeout = Duration.seconds(15)
        package var bodyTimeout = Duration.seconds(30)
        package var sendTimeout = Duration.seconds(30)

        package init(host: String = "127.0.0.1", port: UInt16 = 0) {
            self.host = host
            self.port = port
        }

        var headLimits: RequestHeadParser.Limits { .init(headBytes: maximumHeadBytes, fields: maximumFields) }
    }

    private struct State {
        var loops: [EventLoop] = []
        var listener: Int32 = -1
        var authority = ""
        var nextLoop = 0
        var open = 0
        var accepted = 0
        var active = 0
        var isStopping = false
        var whenEmpty: DispatchSemaphore?
    }

    package let configuration: Configuration
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse
    private let state = Mutex(State())

    package init(configuration: Configuration, handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        self.configuration = configuration
        self.handler = handler
    }

    /// The number of open connections.
    package var openConnections: Int { state.withLock { $0.open } }
    /// The number of connections accepted so far.
    package var acceptedConnections: Int { state.withLock { $0.accepted } }
    /// The number of requests in progress.
    package var activeRequests: Int { state.withLock { $0.active } }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var authority: String { state.withLock { $0.authority } }

    /// Starts serving.
    ///
    /// - Returns: the port it listens on.
    @discardableResult
    package func start() throws(SystemError) -> UInt16 {
        let (listener, port) = try TCPListener.open(host: configuration.host, port: configuration.port)
        var loops: [EventLoop] = []
        for index in 0..<max(1, configuration.loops) {
            let loop = try EventLoop()
            try loop.start(name: "http-\(port)-\(index)")
            loops.append(loop)
        }
        let host = configuration.host.contains(":") && !configuration.host.hasPrefix("[")
        state.withLock { state in
            state.loops = loops
            state.listener = listener
            state.authority = "\(host ? "[\(configuration.host)]" : configuration.host):\(port)"
        }
        let acceptor = loops[0]
        Task(executorPreference: acceptor) { [self] in
            do {
                try acceptor.accept(on: listener) { self.acceptWaiting(listener) }
            } catch {
                log("can't accept connections: \(error)")
            }
        }
        return port
    }

    /// Stops accepting, lets requests in progress finish, and closes. Blocks for at most `grace` plus 2 s.
    package func stop(grace: Duration = .seconds(5)) {
        let empty = DispatchSemaphore(value: 0)
        let (loops, listener) = state.withLock { state -> ([EventLoop], Int32) in
            guard !state.isStopping else { return ([], -1) }
            state.isStopping = true
            state.whenEmpty = empty
            if state.open == 0 { empty.signal() }
            return (state.loops, state.listener)
        }
        guard !loops.isEmpty else { return }
        for (index, loop) in loops.enumerated() {
            Task(executorPreference: loop) {
                if index == 0 {
                    loop.stopAccepting()
                    close(listener)
                }
                loop.closeIdle()
            }
        }
        if empty.wait(timeout: .now() + .nanoseconds(Int(clamping: grace.nanoseconds))) == .timedOut {
            for loop in loops { Task(executorPreference: loop) { loop.breakAll() } }
            _ = empty.wait(timeout: .now() + .seconds(2))
        }
        for loop in loops { loop.stop() }
    }

    // MARK: Connections

    /// - Returns: false if accepting fails, as it does when no file descriptor is free.
    private func acceptWaiting(_ listener: Int32) -> Bool {
        for _ in 0..<64 {
            do {
                guard let connection = try TCPListener.accept(listener, nonBlocking: true) else { return true }
                let loop = state.withLock { state -> EventLoop? in
                    guard state.open < configuration.maximumConnections, !state.isStopping else { return nil }
                    state.open += 1
                    state.accepted += 1
                    state.nextLoop = (state.nextLoop + 1) % state.loops.count
                    return state.loops[state.nextLoop]
                }
                guard let loop else {
                    close(connection)
                    continue
                }
                Task(executorPreference: loop) { await self.serve(connection, on: loop) }
            } catch {
                return false
            }
        }
        return true
    }

    private func serve(_ descriptor: Int32, on loop: EventLoop) async {
        let socket = Socket(descriptor: descriptor, loop: loop)
        do {
            try loop.register(socket)
            var remoteAddress: String?
            if case .network(let address) = PeerAddress.of(descriptor) { remoteAddress = address }
            await HTTPConnection(socket: socket, server: self, remoteAddress: remoteAddress).serve()
        } catch {
            close(descriptor)
        }
        state.withLock { state in
            state.open -= 1
            if state.open == 0, state.isStopping { state.whenEmpty?.signal() }
        }
    }

    func requestBegan() { state.withLock { $0.active += 1 } }
    func requestEnded() { state.withLock { $0.active -= 1 } }

    func log(_ message: String) {
        StandardError.write("http: \(message)")
    }
}
