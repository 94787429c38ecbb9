import DemoServer

/// Writes to descriptor 1 what a program started by hand was asked for.
enum StandardOutput {
    static func write(_ text: String) { _ = FileOutput.write(Array(text.utf8), to: 1) }
}
