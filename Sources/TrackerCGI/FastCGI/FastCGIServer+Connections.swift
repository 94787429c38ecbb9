import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Connections: their beginning, their end, and their time limits.
extension FastCGIServer {
    /// The listening socket has a connection.
    func accept(on worker: FastCGIWorker) {
        if isStopping { return }
        guard makeRoom() else {
            log.write("connections", "all \(limits.maximumConnections) connections are taken: new ones have to wait")
            state.withLock { $0.isListenerPaused = true }
            return
        }
        var accepted: Descriptor?
        do {
            // The listening socket may be shared with other processes, one of which may have been faster.
            if listener.descriptor.wait(toWrite: false, milliseconds: 1) {
                accepted = try TCPListener.accept(listener.descriptor.number, nonBlocking: true).map { Descriptor($0) }
            }
        } catch {
            // Out of descriptors or memory: the sweep listens again once a second has passed.
            log.write("accept", "no connection can be taken now: \(error)")
            state.withLock { $0.isListenerPaused = true }
            return
        }
        listen()
        guard let accepted else { return }
        guard listener.mayConnect(accepted, allowed: allowedPeers) else {
            log.write("peer", "a connection was refused: its address is not in FCGI_WEB_SERVER_ADDRS")
            return
        }
        accepted.sendWithoutDelay()
        let connection = state.withLock { state in
            let connection = FastCGIConnection(accepted, token: state.nextToken, server: self)
            state.nextToken += 1
            state.connections[connection.token] = connection
            return connection
        }
        do {
            try poller.add(accepted.number, token: connection.token, interest: [.read, .edge])
            connection.handleNew(on: worker)
        } catch {
            log.write("poll", "a connection was closed: \(error)")
            connection.close()
        }
    }

    /// Watches the listening socket for the next connection.
    private func listen() {
        if isStopping { return }
        try? poller.modify(listener.descriptor.number, token: Self.listenerToken, interest: [.read, .oneShot])
    }

    /// At the limit, the connection that has been idle longest is closed.
    private func makeRoom() -> Bool {
        let isFull = state.withLock { $0.connections.count >= max(1, limits.maximumConnections) }
        guard isFull else { return true }
        let connections = state.withLock { Array($0.connections.values) }
        let byAge = connections.map { (connection: $0, lastActivity: $0.lastActivity) }
        for entry in byAge.sorted(by: { $0.lastActivity < $1.lastActivity }) where entry.connection.closeIfIdle() {
            return true
        }
        return false
    }

    /// Asks for the events of a connection anew.
    func watch(_ connection: FastCGIConnection, _ interest: Poller.Interest) {
        // Fails only for a connection that is being closed.
        try? poller.modify(connection.descriptor.number, token: connection.token, interest: interest)
    }

    func forget(_ connection: FastCGIConnection) {
        poller.remove(connection.descriptor.number)
        let wasPaused = state.withLock { state in
            state.connections[connection.token] = nil
            defer { state.isListenerPaused = false }
            return state.isListenerPaused
        }
        if wasPaused { listen() }
    }

    /// Checks every connection's time limits.
    ///
    /// - Returns: false if there are no connections, and so nothing to check soon.
    func sweep() -> Bool {
        let (connections, wasPaused) = state.withLock { state in
            let wasPaused = state.isListenerPaused
            if state.connections.count < limits.maximumConnections { state.isListenerPaused = false }
            return (Array(state.connections.values), wasPaused && !state.isListenerPaused)
        }
        if wasPaused { listen() }
        for connection in connections { connection.checkTimes() }
        return !connections.isEmpty
    }

    func closeIdleConnections() {
        for connection in state.withLock({ Array($0.connections.values) }) { _ = connection.closeIfIdle() }
    }
}
