import Foundation

/// A `DeliveryProcess`: a process with a tracker that carries out a test's commands.
package final class Sender {
    package let process: RunningProgram
    private let input = Pipe()
    private var answers = 0

    /// - Parameters:
    ///   - prefix: the first path segment of all its events.
    ///   - settings: additional `RA_...` variables.
    ///   - command: the command to start instead of the program; it must exec the program.
    package init(
        _ prefix: String, endpoint: String, settings: [String: String] = [:], command: [String]? = nil
    ) throws {
        let command = command ?? ["DeliveryProcess", prefix]
        let environment = ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t", "RA_BACKEND_ENDPOINT": endpoint]
        process = try RunningProgram(
            command[0], Array(command.dropFirst()), environment: environment.merging(settings) { $1 },
            input: input.fileHandleForReading)
    }

    /// Sends a command and waits for its answer.
    @discardableResult
    package func ask(_ command: String, within limit: Duration = TestTimeout.standard) async throws -> String {
        tell(command)
        return try await answer(within: limit)
    }

    /// Waits for the answer to an earlier command.
    @discardableResult
    package func answer(within limit: Duration = TestTimeout.standard) async throws -> String {
        answers += 1
        try await eventually(within: limit, "an answer") {
            if let status = process.status, process.lines.count < answers {
                throw NeverHappened(description: "ended with \(status): \(process.errors)")
            }
            return process.lines.count >= answers
        }
        return process.lines[answers - 1]
    }

    /// Returns the tracker's counters.
    package func counts() async throws -> Counts { Counts(try await ask("stats")) }

    /// Sends a command without waiting.
    package func tell(_ command: String) {
        try? input.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
    }

    /// Closes its input, so that it returns from `main`, and waits for its end.
    package func finish() async throws -> Int32 {
        try? input.fileHandleForWriting.close()
        return try await process.end()
    }

    /// The counters of a statistics line, by name.
    package struct Counts: CustomStringConvertible {
        package let description: String
        private let numbers: [String: Int]

        init(_ line: String) {
            description = line
            var numbers: [String: Int] = [:]
            for part in line.split(whereSeparator: { ",()".contains($0) }) {
                let words = part.split(separator: " ")
                guard let number = words.last.flatMap({ Int($0) }) else { continue }
                numbers[words.dropLast().joined(separator: " ")] = number
            }
            self.numbers = numbers
        }

        /// 0 for a counter that is not in the line: zero counts may be left out.
        package subscript(_ name: String) -> Int { numbers[name] ?? 0 }
        package var captured: Int { self["captured"] }
        package var delivered: Int { self["delivered"] }
        package var retried: Int { self["retried"] }
        package var dropped: Int { self["dropped"] }
        package var pending: Int { self["pending"] }
        package var spooled: Int { self["spooled"] }
    }
}
