import CLibrary
import CPlatform
import TrackerCore

/// Runs a FastCGI server until a signal or a limit stops it, on the thread that called `run`.
enum FastCGIRuntime {
    /// SIGUSR1 is the graceful stop of Apache's mod_fcgid and of the FastCGI reference library.
    private static let stopSignals = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]
    /// A connection used this recently may be about to be used again.
    private static let quietMilliseconds = 1000

    /// - Parameter open: opens the listening sockets.
    static func run(_ app: CGIApp, _ open: () throws(SystemError) -> [FastCGIListener]) throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        Memory.releaseFreedBlocksEagerly()
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in stopSignals + [SIGUSR2] { sigaddset(&signals, number) }
        // A signal between creating the socket and installing the handler would kill the process and leave the socket's
        // file behind.
        var callersMask = sigset_t()
        pthread_sigmask(SIG_BLOCK, &signals, &callersMask)
        let server: FastCGIServer
        do throws(SystemError) {
            server = try prepare(app, open())
        } catch {
            pthread_sigmask(SIG_SETMASK, &callersMask, nil)
            throw error
        }
        // The parent process may have blocked them.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        server.start()
        ServiceManager.isReady()
        wait(for: server)
        ServiceManager.isStopping()
        finish(server)
        app.runShutdownHooks()
        server.pool.stop()
        // Some servers send several signals, and the pipe's descriptor number may soon be reused.
        cplatform_end_reports()
        withExtendedLifetime(server) {}
    }

    private static func prepare(
        _ app: CGIApp, _ listeners: [FastCGIListener]
    ) throws(SystemError) -> FastCGIServer {
        let server = try FastCGIServer(app, listeners: listeners)
        for number in stopSignals + [SIGUSR2] {
            guard cplatform_report_signal(number, server.control.writeEnd.number) == 0 else {
                cplatform_end_reports()
                throw SystemError(call: "sigaction")
            }
        }
        for port in listeners.compactMap(\.port) { app.config.log("tracker-cgi: listening on port \(port)") }
        return server
    }

    private static func wait(for server: FastCGIServer) {
        let limit = server.limits.maximumResidentBytes
        var looksOften = true
        var trimmedBytes = 0
        while true {
            if server.control.readEnd.wait(toWrite: false, milliseconds: looksOften ? 1000 : 10_000) {
                if take(server.control.drain(), of: server) { return }
                // A connection has come, or accepting has paused.
                if !looksOften {
                    looksOften = true
                    continue
                }
            }
            looksOften = server.sweep()
            guard let resident = Memory.residentBytes else { continue }
            if limit > 0, resident > limit {
                server.log.write("memory", "the process uses \(resident >> 20) MiB, more than its limit, and exits")
                return
            }
            if server.admission.requestsInWork == 0, resident > trimmedBytes + (4 << 20) {
                Memory.trim()
                trimmedBytes = Memory.residentBytes ?? resident
            }
        }
    }

    /// - Returns: whether one of the signals stops the server.
    private static func take(_ bytes: [UInt8], of server: FastCGIServer) -> Bool {
        if bytes.contains(UInt8(SIGUSR2)) { server.app.writeStatus(statusLine(of: server)) }
        return stopSignals.contains { bytes.contains(UInt8($0)) }
    }

    /// Returns the status line that SIGUSR2 asks for.
    private static func statusLine(of server: FastCGIServer) -> String {
        let load = server.pool.load
        let admission = server.admission
        let memory = Memory.residentBytes.map { ", \($0 >> 20) MiB resident" } ?? ""
        let bodies = admission.bodies.used > 0 ? ", \(admission.bodies.used >> 10) KiB of requests" : ""
        return
            "tracker-cgi: \(admission.requests) requests, \(admission.requestsInWork) in progress, "
            + "\(load.waiting) waiting; \(load.threads) threads, \(load.blocking) in handlers; "
            + "\(server.openConnections) of \(admission.maximumConnections) connections\(memory)\(bodies)"
    }

    /// Lets requests finish that are in progress or already on their way. Ignores further stop signals: some servers
    /// send several.
    private static func finish(_ server: FastCGIServer) {
        server.closeListeners()
        let deadline = SystemClock.milliseconds() + server.limits.shutdownTimeout.boundedMilliseconds
        var nextSweep = SystemClock.milliseconds() + 1000
        while SystemClock.milliseconds() < deadline {
            let left = server.closeIdleConnections(silentFor: quietMilliseconds)
            if left == 0, server.admission.requestsInWork == 0 { return }
            if server.control.readEnd.wait(toWrite: false, milliseconds: 20) {
                _ = take(server.control.drain(), of: server)
            }
            if SystemClock.milliseconds() >= nextSweep {
                server.sweep()
                nextSweep += 1000
            }
        }
        if server.admission.requestsInWork > 0 {
            server.log.write(
                "shutdown", "\(server.admission.requestsInWork) requests were still in progress at the end")
        }
    }
}
