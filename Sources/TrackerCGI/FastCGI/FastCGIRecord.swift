/// Numbers of the FastCGI specification, version 1.0.
enum FastCGIRecord {
    static let version: UInt8 = 1
    static let headerBytes = 8
    /// The longest content that keeps the next record aligned to 8 bytes; the format allows 65,535.
    static let maximumContentBytes = 65_528
    static let keepConnectionFlag: UInt8 = 1
    static let responderRole: UInt16 = 1

    enum Kind: UInt8 {
        case beginRequest = 1
        case abortRequest = 2
        case endRequest = 3
        case params = 4
        case stdin = 5
        case stdout = 6
        case stderr = 7
        case data = 8
        case getValues = 9
        case getValuesResult = 10
        case unknownType = 11
    }

    /// What END_REQUEST says about how a request was taken (section 5.5).
    enum ProtocolStatus: UInt8 {
        case requestComplete = 0
        case cannotMultiplex = 1
        case overloaded = 2
        case unknownRole = 3
    }

    struct Header: Equatable {
        var version: UInt8
        var type: UInt8
        var requestID: UInt16
        var contentLength: Int
        var paddingLength: Int
    }
}
