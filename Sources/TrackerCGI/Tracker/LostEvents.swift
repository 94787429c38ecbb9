import TrackerCore

/// How many events a CGI program has lost since its log last said so, as stored in a file.
///
/// The child processes that lose events can't write to the web server's log. A later run of the program can.
struct LostEvents: Equatable, Sendable {
    /// What would prevent the loss.
    enum Remedy: String, Sendable {
        /// A spool.
        case spool
        /// The reason says it.
        case none
    }

    private(set) var count = 0
    /// When the first of them was lost, in seconds since 1970-01-01 UTC.
    private(set) var since: Int64 = 0
    /// When the log last reported them, in milliseconds of the monotonic clock, which all processes share. 0: never.
    private(set) var saidAt: UInt64 = 0
    private(set) var remedy = Remedy.none
    /// Why the last one was lost: one line.
    private(set) var reason = ""

    /// Milliseconds between two reports.
    static let interval: UInt64 = 60_000
    /// The length of ``bytes``.
    static let encodedBytes = 512
    private static let maximumReasonBytes = 400
    private static let version = "1"

    init() {}

    /// Counts lost events.
    ///
    /// - Parameter now: seconds since 1970-01-01 UTC.
    mutating func add(_ lost: Int, because reason: String, remedy: Remedy, now: Int64) {
        guard lost > 0 else { return }
        if count == 0 { since = now }
        let (sum, isTooLarge) = count.addingReportingOverflow(lost)
        count = isTooLarge ? .max : sum
        self.reason = Self.line(reason)
        self.remedy = remedy
    }

    /// Returns what to log now and resets the count; nil if nothing was lost, or the last report is less than a minute
    /// old.
    ///
    /// - Parameter now: milliseconds of the monotonic clock.
    mutating func takeMessage(now: UInt64) -> String? {
        // The clock restarts when the machine does, and the file may outlive that.
        guard count > 0, saidAt == 0 || now < saidAt || now - saidAt >= Self.interval else { return nil }
        var message =
            "\(count) \(count == 1 ? "event" : "events") lost since \(HTTPDate.format(since))"
            + (reason.isEmpty ? "" : " (the last one: \(reason))")
        if remedy == .spool {
            message += "; set RA_SPOOL_DIRECTORY to keep undelivered events for a later request"
        }
        self = LostEvents()
        saidAt = max(1, now)
        return message
    }

    // MARK: File format

    /// The file's contents, of fixed length so that one write replaces them.
    var bytes: [UInt8] {
        var text = Array("\(Self.version) \(count) \(since) \(saidAt) \(remedy.rawValue) \(reason)".utf8)
        text += [UInt8](repeating: UInt8(ascii: " "), count: max(0, Self.encodedBytes - 1 - text.count))
        return text + [UInt8(ascii: "\n")]
    }

    /// Parses ``bytes``. Anything else counts as nothing lost.
    init(bytes: [UInt8]) {
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: 5, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 6, words[0] == Self.version, let count = Int(words[1]), count >= 0,
            let since = Int64(words[2]), (0...253_402_300_799).contains(since), let saidAt = UInt64(words[3]),
            let remedy = Remedy(rawValue: words[4])
        else { return }
        self.count = count
        self.since = since
        self.saidAt = saidAt
        self.remedy = remedy
        reason = Self.line(words[5])
    }

    /// Returns one line of bounded length, without control characters and trailing spaces.
    private static func line(_ text: String) -> String {
        var bytes = text.utf8.prefix(maximumReasonBytes).map { ASCII.isControl($0) ? UInt8(ascii: " ") : $0 }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        // A character cut in half would grow when it is read again.
        while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
