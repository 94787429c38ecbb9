import TrackerCore

/// Writes messages to standard error.
package enum StandardError {
    /// Writes one line, in one system call.
    package static func write(_ line: String) {
        FileOutput.write(Array((line + "\n").utf8), to: 2)
    }
}
