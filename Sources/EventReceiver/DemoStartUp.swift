import DemoServer
import TrackerCore

/// The startup shared by the demos: options, settings, an event handler if no backend is configured, and exit statuses
/// for errors.
package struct DemoStartUp {
    /// The options that every demo has besides its own.
    package static let options: [CommandLineOptions.Option] = [
        .init("live-port", value: "N", "The port of the live page (8001, or the next free one); 0 picks any free one."),
        .init("no-store", "Don't keep events in a temporary file."),
        .init("env-file", value: "F", "A file of RA_... settings, one NAME=value per line."),
        .init("describe", "Print what the tracker would collect with these settings, and exit."),
    ]

    /// The program's name.
    package let program: String

    package init(program: String) {
        self.program = program
    }

    /// Runs a demo from its arguments to its exit status.
    ///
    /// - Parameters:
    ///   - settings: returns the `RA_...` variables for the parsed options.
    ///   - serve: serves until told to stop, and returns the exit status.
    package func run(
        _ arguments: [String], summary: String, options own: [CommandLineOptions.Option],
        settings: (CommandLineOptions) throws -> [String: String] = {
            try EnvironmentFile.settings(path: $0.text("env-file"))
        },
        serve: (CommandLineOptions, [String: String]) throws -> Int32
    ) -> Int32 {
        var options = CommandLineOptions(program: program, summary: summary, options: own + Self.options)
        do {
            try options.parse(arguments)
            if options.has("help") {
                print(options.helpText, terminator: "")
                return 0
            }
            if options.has("version") {
                print("\(program) \(TrackerVersion.current)")
                return 0
            }
            let settings = try settings(options)
            if options.has("describe") {
                print(try CollectionDescription.text(settings), terminator: "")
                return 0
            }
            return try serve(options, settings)
        } catch {
            StandardError.write("\(error)")
            return Self.status(of: error)
        }
    }

    private static func status(of error: any Error) -> Int32 {
        switch error {
        case is EnvironmentFile.Failure: ExitStatus.noInput
        case is ConfigurationError: ExitStatus.configuration
        case is SystemError: ExitStatus.inputOutput
        default: ExitStatus.usage
        }
    }

    /// Returns the settings. If they name neither a backend nor a project, starts an event handler in this process and
    /// adds the settings for it.
    ///
    /// - Parameter usesAnyPort: whether the live page uses any free port unless an option says otherwise, as the demo
    ///   itself does.
    package func settingsWithReceiver(
        _ settings: [String: String], _ options: CommandLineOptions, usesAnyPort: Bool
    ) throws -> (settings: [String: String], receiver: EmbeddedReceiver?) {
        let variables = ["RA_PROJECT_ID", "RA_PROJECT_TOKEN", "RA_BACKEND_ENDPOINT"]
        guard variables.allSatisfy({ settings[$0] == nil }) else { return (settings, nil) }
        var settings = settings
        settings["RA_PROJECT_ID"] = "demo"
        settings["RA_PROJECT_TOKEN"] = "demo-token"
        guard !(try TrackerConfiguration(environment: settings).isDisabled) else { return (settings, nil) }
        let livePort = try options.integer("live-port", in: 0...65_535).map { UInt16($0) }
        let receiver = try EmbeddedReceiver.start(
            program: program, port: livePort ?? (usesAnyPort ? 0 : nil), isStored: !options.has("no-store"))
        settings["RA_BACKEND_ENDPOINT"] = "http://127.0.0.1:\(receiver.port)"
        return (settings, receiver)
    }
}
