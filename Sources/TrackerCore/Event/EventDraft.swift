/// An event before it is written, for the setting `beforeSend`: change it, or drop it.
///
/// It is not filtered yet: the privacy policy applies to what the hook leaves.
public struct EventDraft: Sendable {
    /// The request's method; it is not a part of the event.
    public let method: String
    /// The response's status.
    public let status: Int
    /// The visitor's session.
    public let session: SessionIdentifier
    /// How long the handler took, in nanoseconds.
    public let processingNanoseconds: UInt64
    /// The name of the handler or route.
    public var viewName: String?
    /// Path and query, as sent.
    public var target: String
    /// The header fields, in the order sent.
    public var headers: [(name: String, value: String)]

    init(_ request: TrackedRequest) {
        method = request.snapshot.method
        status = request.status
        session = request.session
        processingNanoseconds = request.processingNanoseconds
        viewName = request.viewName
        target = request.snapshot.target
        headers = request.snapshot.headers.fields
    }
}

/// Runs the app's own hook for one event after the other, on the delivery thread.
struct BeforeSend {
    typealias Hook = @Sendable (inout EventDraft) throws -> Bool

    /// What became of one event.
    enum Decision {
        case send(TrackedRequest)
        case drop(DropReason)
    }

    private let hook: Hook
    private let log: TrackerLog
    private let onSlow: () -> Void
    /// Nanoseconds beyond which a call counts as slow: it holds up all delivery.
    private static let patience: UInt64 = 50_000_000

    init(_ hook: @escaping Hook, log: TrackerLog, onSlow: @escaping () -> Void) {
        self.hook = hook
        self.log = log
        self.onSlow = onSlow
    }

    func apply(to request: TrackedRequest) -> Decision {
        var draft = EventDraft(request)
        let started = SystemClock.monotonicNanoseconds()
        defer {
            if SystemClock.monotonicNanoseconds() - started > Self.patience {
                onSlow()
                log.write(.warning, topic: "hook.slow", "beforeSend took more than 50 ms: it holds up delivery")
            }
        }
        do {
            return try hook(&draft) ? .send(request.changed(by: draft)) : .drop(.beforeSend)
        } catch {
            // Perhaps the hook was about to remove something: what it did not finish must not be sent.
            log.write(.error, topic: "hook.error", "beforeSend failed, and its event is dropped: \(error)")
            return .drop(.hookFailed)
        }
    }
}

/// The bounds of one event. What is longer is cut off, and the event says so (`"truncated": true`).
enum EventLimit {
    static let headers = 100
    static let headerValueBytes = 8 << 10
    static let viewNameBytes = 1 << 10
    static let urlBytes = 16 << 10
    /// Of the JSON, up to the end of each part: together below 64 KiB, whatever escaping adds.
    static let headersEnd = 40 << 10
    static let cookiesEnd = 63 << 10

    /// The longest beginning of valid UTF-8 that has so many bytes at most and is valid itself.
    static func prefix(of text: UnsafeBufferPointer<UInt8>, bytes limit: Int) -> UnsafeBufferPointer<UInt8> {
        guard text.count > limit else { return text }
        var end = limit
        // The bytes of a character but the first are 10xxxxxx.
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[..<end])
    }
}
