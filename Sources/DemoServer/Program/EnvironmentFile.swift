import CLibrary
import TrackerCore

/// Reads the `RA_...` variables of the process, which override those of a `.env` file.
package enum EnvironmentFile {
    /// A file that can't be used, and why.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter path: a file of `NAME=value` lines; nil: the one that `RA_ENV_FILE` names, if set. A line that
    ///   begins with `#` is a comment; quotes around a value are removed.
    /// - Returns: the variables of both; the process's override the file's.
    package static func settings(path: String?) throws(Failure) -> [String: String] {
        let own = ProcessEnvironment.variables(prefix: "RA_")
        guard let path = path ?? own["RA_ENV_FILE"] else { return own }
        return try parse(try contents(path), path: path).merging(own) { $1 }
    }

    static func parse(_ text: String, path: String) throws(Failure) -> [String: String] {
        var settings: [String: String] = [:]
        // "\r\n" is one Character, which does not equal "\n".
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (number, line) in lines.enumerated() {
            var line = line.trimmingSpaces()
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = String(line.dropFirst(7)) }
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
                throw Failure(description: "\(path), line \(number + 1): not NAME=value")
            }
            let name = line[..<equals].trimmingSpaces()
            guard let value = value(line[line.index(after: equals)...].trimmingSpaces()) else {
                throw Failure(
                    description: "\(path), line \(number + 1): unexpected text after the value of \(name); "
                        + "put comments on their own lines, and quote a value that contains # or quotes")
            }
            settings[name] = value
        }
        return settings
    }

    /// - Returns: nil if a comment, or anything else that would silently become part of the value, follows it.
    private static func value(_ text: String) -> String? {
        for quote in ["\"", "'"] where text.hasPrefix(quote) {
            guard text.utf8.count >= 2, text.hasSuffix(quote) else { return nil }
            let value = text.dropFirst().dropLast()
            return value.contains(quote) ? nil : String(value)
        }
        let isCommented = text.hasPrefix("#") || text.contains(" #") || text.contains("\t#")
        return isCommented ? nil : text
    }

    private static let maximumBytes = 1 << 20

    private static func contents(_ path: String) throws(Failure) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Failure(description: "\(path) can't be read: \(SystemError(call: "open"))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            throw Failure(description: "\(path) is a directory: give the path of a file with RA_... lines")
        }
        // Opening a FIFO must not wait for a writer, but reading must wait for one that exists: `--env-file <(cmd)`.
        _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Failure(description: "\(path) can't be read: \(SystemError(call: "read"))")
            }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
            guard bytes.count <= maximumBytes else {
                throw Failure(description: "\(path) is longer than 1 MiB, too long for a settings file")
            }
        }
    }
}
