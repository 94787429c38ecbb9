import DemoServer
import TrackerCore

/// Serves an app over HTTP, for development.
enum DevelopmentServer {
    /// The default port.
    private static let defaultPort: UInt16 = 8081

    /// Why the server could not start.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter port: nil for the default port, or a free one if that is taken.
    static func run(_ app: CGIApp, host: String, port: UInt16?) throws {
        TerminationSignal.prepare()
        let front = HTTPFront(app: app)
        var server = HTTPServer(configuration: .init(host: host, port: port ?? defaultPort)) { await front.answer($0) }
        let bound: UInt16
        do {
            bound = try server.start()
        } catch {
            guard port == nil else {
                throw Failure(
                    description: "can't listen on \(host):\(port ?? 0): \(error); try another port or address")
            }
            server = HTTPServer(configuration: .init(host: host, port: 0)) { await front.answer($0) }
            bound = try server.start()
        }
        let shown = HostAndPort.bracketed(host)
        app.config.log("This program was not started by a web server, so it serves HTTP itself, for development.")
        app.config.log("Open http://\(shown):\(bound)/ in a browser; Ctrl-C stops it. --help lists the options.")
        TerminationSignal.wait()
        server.stop(grace: .seconds(5))
        app.runShutdownHooks()
    }
}
