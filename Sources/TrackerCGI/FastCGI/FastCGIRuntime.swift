import CPlatform
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Runs a FastCGI server from its start to SIGTERM, on the thread that called `run`.
enum FastCGIRuntime {
    static func run(_ app: CGIApp, _ listener: FastCGIListener) throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        let server = try FastCGIServer(app, listener: listener)
        var stopSignals = sigset_t()
        sigemptyset(&stopSignals)
        for number in [SIGTERM, SIGINT] {
            sigaddset(&stopSignals, number)
            guard cplatform_report_signal(number, server.control.writeEnd.number) == 0 else {
                throw SystemError(call: "sigaction")
            }
        }
        // Whoever started the process may have blocked them.
        pthread_sigmask(SIG_UNBLOCK, &stopSignals, nil)
        if let port = listener.port { app.config.log("tracker-cgi: listening on port \(port)") }
        server.growIfBusy()
        var hasConnections = false
        while !server.isStopping {
            if server.control.readEnd.wait(toWrite: false, milliseconds: hasConnections ? 1000 : 10_000) {
                if !server.control.drain().isEmpty { server.stop() }
            }
            hasConnections = server.sweep()
        }
        if let path = listener.ownedPath { unlink(path) }
        finish(server)
        app.runShutdownHooks()
    }

    /// Lets the requests in work come to their end. Further signals change nothing: some servers send several.
    private static func finish(_ server: FastCGIServer) {
        server.poller.remove(server.listener.descriptor.number)
        server.closeIdleConnections()
        let deadline = Clock.milliseconds + server.limits.shutdownTimeout.boundedMilliseconds
        while server.requestsInWork > 0, Clock.milliseconds < deadline {
            if server.control.readEnd.wait(toWrite: false, milliseconds: deadline - Clock.milliseconds) {
                server.control.drain()
            }
        }
        if server.requestsInWork > 0 {
            server.log.write("shutdown", "\(server.requestsInWork) requests were still in work at the end")
        }
    }
}
