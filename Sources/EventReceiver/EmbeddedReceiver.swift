import DemoServer
import TrackerCore

/// An event handler within another program. Each demo starts one unless it is configured to send its events elsewhere.
package struct EmbeddedReceiver: Sendable {
    private let receiver: EventReceiver
    /// The port it listens on, on 127.0.0.1.
    package let port: UInt16

    /// The default port of the live page.
    package static let defaultPort: UInt16 = 8001
    private static let portsTried: UInt16 = 20

    /// Starts listening, and reports the address on standard error.
    ///
    /// - Parameters:
    ///   - program: the name under which its events are stored.
    ///   - port: 0 for any free port; nil for the usual one, or the next that is free.
    ///   - isStored: whether the last events of a run are kept in a temporary file. Ignored if the system chooses the
    ///     port, because the next run would not find the file.
    package static func start(program: String, port: UInt16?, isStored: Bool) throws(SystemError) -> EmbeddedReceiver {
        let candidates = port.map { [$0] } ?? Array(defaultPort..<(defaultPort + portsTried))
        var failure = SystemError(call: "listen", code: 0)
        for candidate in candidates {
            do {
                return try start(program: program, on: candidate, isStored: isStored && candidate != 0)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func start(
        program: String, on port: UInt16, isStored: Bool
    ) throws(SystemError) -> EmbeddedReceiver {
        // Checked before the store is opened: the store of a port in use belongs to the program that uses it.
        if port != 0 { try FreePort.check(port) }
        let options = ReceiverOptions()
        let log = LineOutput(descriptor: 2, capacity: 1 << 20)
        let output = LineOutput(descriptor: 1) { skipped in
            log.write("\(skipped) events were not printed: the reader of standard output is too slow".utf8)
        }
        var store: EventStore?
        if isStored {
            do throws(StoreError) {
                store = try TemporaryStore.open(program: program, port: port, keep: options.keep)
            } catch {
                StandardError.write("\(program) \(error); they are kept in memory only")
            }
        }
        let path = store?.path
        let receiver = EventReceiver(options: options, store: store, output: output, log: log)
        let bound = try receiver.start(port: port)
        try output.start()
        try log.start()
        StandardError.write(
            "No RA_... settings: events go to an event handler in this process, http://127.0.0.1:\(bound)/demo")
        StandardError.write("Watch them live at http://127.0.0.1:\(bound)/")
        if let path { StandardError.write("The latest are kept in \(path); --no-store turns this off") }
        return EmbeddedReceiver(receiver: receiver, port: bound)
    }

    package func stop() { receiver.stop() }
}

/// Checks whether a port of 127.0.0.1 is free.
enum FreePort {
    static func check(_ port: UInt16) throws(SystemError) {
        let (descriptor, _) = try TCPListener.open(host: "127.0.0.1", port: port)
        FileOutput.close(descriptor)
    }
}
