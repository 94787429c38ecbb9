/// A request's header fields, in the order sent.
///
/// Either a reference to an array that the server made anyway, or a closure that makes it later, on the delivery
/// thread: nothing is copied while the request is served.
public struct RequestHeaders: Sendable {
    /// A header field; the name as sent, in any case.
    public typealias Field = (name: String, value: String)

    private enum Storage {
        case fields([Field])
        case deferred(host: String?, cookie: String?, contentBytes: Int, @Sendable () -> [Field])
    }

    private let storage: Storage

    /// Takes the fields as they are. A field that was sent twice stands in it twice.
    public init(_ fields: [Field]) {
        storage = .fields(fields)
    }

    /// Takes the two fields that are needed at once, and makes the others later.
    ///
    /// - Parameters:
    ///   - host: the value of `Host`.
    ///   - cookie: the value of `Cookie`.
    ///   - contentBytes: about how long all names and values are; counts against the bound of the queue.
    ///   - fields: makes all fields, these two included. Called on another thread.
    public init(
        host: String?, cookie: String?, contentBytes: Int = 2048, deferred fields: @escaping @Sendable () -> [Field]
    ) {
        storage = .deferred(host: host, cookie: cookie, contentBytes: contentBytes, fields)
    }

    /// All fields.
    public var fields: [Field] {
        switch storage {
        case .fields(let fields): fields
        case .deferred(_, _, _, let make): make()
        }
    }

    var host: String? {
        switch storage {
        case .fields(let fields): Self.first("host", in: fields)
        case .deferred(let host, _, _, _): host
        }
    }

    /// The session in the `Cookie` header fields, if there is a valid one.
    var session: SessionIdentifier? {
        switch storage {
        case .fields(let fields):
            for field in fields where Self.isEqual(field.name, "cookie") {
                if let session = SessionCookie.read(from: field.value) { return session }
            }
            return nil
        case .deferred(_, let cookie, _, _):
            return cookie.flatMap(SessionCookie.read(from:))
        }
    }

    /// The length of all names and values; for the bound of the queue.
    var contentBytes: Int {
        switch storage {
        case .fields(let fields):
            var bytes = 0
            for field in fields { bytes &+= field.name.utf8.count &+ field.value.utf8.count }
            return bytes
        case .deferred(_, _, let contentBytes, _): return contentBytes
        }
    }

    private static func first(_ name: StaticString, in fields: [Field]) -> String? {
        for field in fields where isEqual(field.name, name) { return field.value }
        return nil
    }

    /// Compares a name with a lowercase one (RFC 9110, section 5.1: names are case-insensitive).
    static func isEqual(_ name: String, _ lowercase: StaticString) -> Bool {
        let utf8 = name.utf8
        guard utf8.count == lowercase.utf8CodeUnitCount else { return false }
        // StaticString gives no safe view of its bytes; the index stays below its count, checked above.
        let expected = lowercase.utf8Start
        var index = 0
        for byte in utf8 {
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != expected[index] { return false }
            index += 1
        }
        return true
    }
}
