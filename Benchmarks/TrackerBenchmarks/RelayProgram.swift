import Foundation

/// The tests' relay as a separate process, so that its work is not counted as that of the program under test.
final class RelayProgram {
    let port: UInt16
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// - Parameters:
    ///   - port: the port of a server on this machine.
    ///   - roundTrip: milliseconds, half of them each way.
    init(to port: UInt16, roundTrip: Double) throws {
        process.executableURL = URL(fileURLWithPath: try BaselineProgram.demo("RelayProcess"))
        process.arguments = [String(port), String(roundTrip / 2)]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        guard let first = Self.line(output), let own = UInt16(first) else {
            throw BenchmarkFailure("the relay does not start")
        }
        self.port = own
    }

    /// The number of connections opened since the last call.
    func connections() throws -> Int {
        try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
        guard let count = Self.line(output)?.split(separator: " ").first.flatMap({ Int($0) }) else {
            throw BenchmarkFailure("the relay has ended")
        }
        return count
    }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private static func line(_ pipe: Pipe) -> String? {
        var bytes = Data()
        while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte == Data("\n".utf8) { return String(decoding: bytes, as: UTF8.self) }
            bytes += byte
        }
        return nil
    }
}
