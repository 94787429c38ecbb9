import CLibrary
import TrackerCore

/// The process's `RA_...` variables, with those of a `.env` file below them.
package enum EnvironmentFile {
    /// A file that can't be used, and why.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter path: nil: the one that `RA_ENV_FILE` names, if it does. A file of `NAME=value` lines; `#` begins a comment line, quotes around a value are taken off.
    /// - Returns: variables that are set and not empty. The process's own win.
    package static func settings(path: String?) throws(Failure) -> [String: String] {
        let path = path ?? getenv("RA_ENV_FILE").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        var settings = try path.map { path throws(Failure) in try parse(try contents(path), path: path) } ?? [:]
        var variable = environ
        while let entry = variable.pointee {
            let text = String(cString: entry)
            if text.hasPrefix("RA_"), let equals = text.firstIndex(of: "=") {
                let value = String(text[text.index(after: equals)...])
                if !value.isEmpty { settings[String(text[..<equals])] = value }
            }
            variable += 1
        }
        return settings
    }

    static func parse(_ text: String, path: String) throws(Failure) -> [String: String] {
        var settings: [String: String] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = line.trimmingSpaces()
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = String(line.dropFirst(7)) }
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
                throw Failure(description: "\(path), line \(number + 1): not NAME=value")
            }
            var value = line[line.index(after: equals)...].trimmingSpaces()
            for quote in ["\"", "'"] where value.utf8.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
                value = String(value.dropFirst().dropLast())
            }
            settings[line[..<equals].trimmingSpaces()] = value
        }
        return settings
    }

    private static func contents(_ path: String) throws(Failure) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(description: "\(path) can't be read: \(SystemError(call: "open"))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
