import Foundation

/// A `DeliveryProcess`: a process with a tracker that does what the test tells it.
package final class Sender {
    package let process: RunningProgram
    private let input = Pipe()
    private var answers = 0

    /// - Parameters:
    ///   - prefix: the first segment of all its events' paths.
    ///   - settings: further `RA_...` variables.
    ///   - command: what to start instead of the program itself; it must become it.
    package init(
        _ prefix: String, endpoint: String, settings: [String: String] = [:], command: [String]? = nil
    ) throws {
        let command = command ?? ["DeliveryProcess", prefix]
        let environment = ["RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "tok-s3cr3t", "RA_BACKEND_ENDPOINT": endpoint]
        process = try RunningProgram(
            command[0], Array(command.dropFirst()), environment: environment.merging(settings) { $1 },
            input: input.fileHandleForReading)
    }

    /// Gives a command and waits for its answer.
    @discardableResult
    package func ask(_ command: String, within limit: Duration = .seconds(60)) async throws -> String {
        tell(command)
        return try await answer(within: limit)
    }

    /// Waits for the answer to what it was told.
    @discardableResult
    package func answer(within limit: Duration = .seconds(60)) async throws -> String {
        answers += 1
        try await eventually(within: limit, "an answer") {
            if let status = process.status, process.lines.count < answers {
                throw NeverHappened(description: "ended with \(status): \(process.errors)")
            }
            return process.lines.count >= answers
        }
        return process.lines[answers - 1]
    }

    /// What its tracker counted.
    package func counts() async throws -> Counts { Counts(try await ask("stats")) }

    /// Gives a command, and waits for nothing.
    package func tell(_ command: String) {
        try? input.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
    }

    /// Its input ends, so that it returns from `main`.
    package func finish() async throws -> Int32 {
        try? input.fileHandleForWriting.close()
        return try await process.end()
    }

    /// A line of statistics, by name.
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

        /// 0 for what is not in the line: counts that are 0 may be left out.
        package subscript(_ name: String) -> Int { numbers[name] ?? 0 }
        package var captured: Int { self["captured"] }
        package var delivered: Int { self["delivered"] }
        package var retried: Int { self["retried"] }
        package var dropped: Int { self["dropped"] }
        package var pending: Int { self["pending"] }
        package var spooled: Int { self["spooled"] }
    }
}
