/// Kinds of personal data that are recognised by their shape. Each can be kept; see ``PrivacyPolicy/kept``.
public struct PersonalData: OptionSet, Sendable, Hashable {
    /// One bit for each kind.
    public let rawValue: UInt8

    /// Makes a set of its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// E-mail addresses (RFC 5321, section 4.1.2; RFC 6531).
    public static let email = PersonalData(rawValue: 1)
    /// Telephone numbers with a `+` and a country code (ITU-T E.164), and any after a telling name.
    public static let phone = PersonalData(rawValue: 2)
    /// International bank account numbers (ISO 13616), by country, length and check digits.
    public static let iban = PersonalData(rawValue: 4)
    /// Social security numbers of the United States, with their separators.
    public static let ssn = PersonalData(rawValue: 8)
    /// Numbers of payment cards (ISO/IEC 7812-1), by issuer, length and check digit.
    public static let card = PersonalData(rawValue: 16)

    /// The kinds by the names that `RA_PRIVACY_KEEP` takes.
    static let named: [(name: String, kind: PersonalData)] = [
        ("email", .email), ("phone", .phone), ("iban", .iban), ("ssn", .ssn), ("card", .card),
    ]
}
