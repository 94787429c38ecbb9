import Foundation
import TrackerCore
import Vapor

/// `App [--port N] [--files FOLDER] [--https] [--sessions] [--empty]`, or `App --measure`
@main
struct App {
    static func main() async throws {
        do { try await run() } catch let error as ConfigurationError {
            // One clear line; a thrown error would end the program with a crash report.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(78)
        }
    }

    static func run() async throws {
        let options = Options(CommandLine.arguments)
        if CommandLine.arguments.contains("--measure") { return try await Measurement.run() }
        var configuration = try TrackerConfiguration()
        configuration.logHandler = log(to: Logger(label: "analytics"))
        try await withTracker(configuration) { tracker in
            try await serve(tracker, options)
            print(tracker.statistics)
        }
    }

    static func serve(_ tracker: Tracker, _ options: Options) async throws {
        let app = try await Application.make(Environment(name: "production", arguments: ["App", "serve"]))
        app.logger.logLevel = .warning
        app.http.server.configuration.hostname = "127.0.0.1"
        app.http.server.configuration.port = options.port
        if options.isEmpty {
            app.middleware.use(EmptyMiddleware(), at: .beginning)
        } else if options.isHTTPS {
            app.middleware.use(TrackingMiddleware(tracker: tracker), at: .beginning)
        } else if options.usesSessions {
            // snippet.sessions
            app.middleware.use(TrackingMiddleware(tracker: tracker, session: { $0.analyticsSession() }), at: .beginning)
            // Before it, so that the session has been loaded when the tracking middleware asks for it.
            app.middleware.use(app.sessions.middleware, at: .beginning)
            // snippet.end
        } else {
            app.middleware.use(TrackingMiddleware(tracker: tracker, scheme: "http"), at: .beginning)
        }
        app.middleware.use(FileMiddleware(publicDirectory: options.files))
        Site.addRoutes(to: app)
        do {
            try await app.execute()
        } catch {
            app.logger.report(error: error)
            try await app.asyncShutdown()
            throw error
        }
        // Before the tracker: requests in flight have finished by then.
        try await app.asyncShutdown()
    }

    /// Forwards the tracker's messages and their metadata to swift-log.
    static func log(to logger: Logger) -> @Sendable (TrackerLogRecord) -> Void {
        { record in
            let level: Logger.Level =
                switch record.level {
                case .debug: .debug
                case .info: .info
                case .warning: .warning
                default: .error
                }
            var metadata = record.metadata.mapValues { Logger.MetadataValue.string($0) }
            metadata["topic"] = .string(record.topic)
            logger.log(level: level, "\(record.message)", metadata: metadata)
        }
    }
}

struct Options {
    var port = 8080
    var files = "Public/"
    /// Whether visitors use https, the middleware's default; behind a proxy, since this server has no TLS.
    var isHTTPS = false
    /// Whether visitors are recognized by the app's own sessions.
    var usesSessions = false
    /// Whether to install a middleware that does nothing, for comparison.
    var isEmpty = false

    init(_ arguments: [String]) {
        isHTTPS = arguments.contains("--https")
        usesSessions = arguments.contains("--sessions")
        isEmpty = arguments.contains("--empty")
        if let place = arguments.firstIndex(of: "--port"), place + 1 < arguments.count {
            port = Int(arguments[place + 1]) ?? port
        }
        if let place = arguments.firstIndex(of: "--files"), place + 1 < arguments.count { files = arguments[place + 1] }
        if !files.hasSuffix("/") { files += "/" }
    }
}
