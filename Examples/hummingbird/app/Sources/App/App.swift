import Foundation
import Hummingbird
import HummingbirdWebSocket
import Logging
import TrackerCore

/// `App [--port N] [--files FOLDER] [--bare] [--async-http-client] [--https] [--sessions] [--empty]`, or
/// `App --measure`, or `App --measure-delivery`
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
        if CommandLine.arguments.contains("--measure-delivery") { return try await DeliveryMeasurement.run() }
        var configuration = try TrackerConfiguration()
        configuration.logHandler = log(to: Logger(label: "analytics"))
        let tracker = try Tracker(
            configuration: configuration,
            transport: options.usesAsyncHTTPClient ? AsyncHTTPClientTransport(configuration) : nil)

        let router = Router(context: AppContext.self, options: .autoGenerateHeadEndpoints)
        let upgrades = Router(context: BasicWebSocketRequestContext.self)
        if options.isEmpty {
            router.add(middleware: EmptyMiddleware())
        } else if options.isHTTPS {
            router.add(middleware: TrackingMiddleware(tracker: tracker))
        } else if options.usesSessions {
            // snippet.sessions
            // First, so that the session has been loaded when the tracking middleware asks for it.
            router.add(middleware: SessionMiddleware())
            router.add(middleware: TrackingMiddleware(tracker: tracker, session: { $0.sessions.analyticsSession() }))
            // snippet.end
        } else {
            router.add(middleware: TrackingMiddleware(tracker: tracker, scheme: "http", peer: { $0.peer }))
        }
        upgrades.add(middleware: TrackingMiddleware(tracker: tracker, scheme: "http", isForUpgrades: true))
        router.add(middleware: FileMiddleware(options.files))
        Site.addRoutes(to: router)
        Site.addUpgrades(to: upgrades)

        var app = Application(
            router: router, server: .http1WebSocketUpgrade(webSocketRouter: upgrades),
            configuration: .init(address: .hostname("127.0.0.1", port: options.port)),
            onServerRunning: { print("listening on \($0.localAddress?.port ?? 0)") }, logger: options.logger)
        if options.isBare {
            // snippet.bare
            try await app.runService()
            await tracker.shutdown()
            // snippet.end
        } else {
            app.addServices(TrackerService(tracker: tracker))
            try await app.runService()
        }
        print(tracker.statistics)
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
    var files = "public"
    var isBare = false
    var usesAsyncHTTPClient = false
    /// Whether visitors use https, the middleware's default; behind a proxy, since this server has no TLS.
    var isHTTPS = false
    /// Whether visitors are recognized by the app's own sessions.
    var usesSessions = false
    /// Whether to install a middleware that does nothing, for comparison.
    var isEmpty = false

    init(_ arguments: [String]) {
        isBare = arguments.contains("--bare")
        isHTTPS = arguments.contains("--https")
        usesSessions = arguments.contains("--sessions")
        isEmpty = arguments.contains("--empty")
        usesAsyncHTTPClient = arguments.contains("--async-http-client")
        if let place = arguments.firstIndex(of: "--port"), place + 1 < arguments.count {
            port = Int(arguments[place + 1]) ?? port
        }
        if let place = arguments.firstIndex(of: "--files"), place + 1 < arguments.count { files = arguments[place + 1] }
    }

    var logger: Logger {
        var logger = Logger(label: "app")
        logger.logLevel = .warning
        return logger
    }
}
