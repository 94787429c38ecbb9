/// Words that mark a name as the name of a secret.
///
/// A name is compared in lowercase and by whole word parts, so that `api-key` and `API_KEY` match `key`, but `monkey`
/// and `keyboard` do not.
enum SensitiveTerms {
    static let words: Set<String> = [
        "auth", "authorization", "authentication", "authenticate", "token", "secret", "password", "passwd",
        "passphrase",
        "pwd", "pass", "key", "apikey", "accesskey", "secretkey", "privatekey", "jwt", "bearer", "sso", "saml", "csrf",
        "xsrf", "csrftoken", "xsrftoken", "csrfmiddlewaretoken", "authtoken", "accesstoken", "refreshtoken", "idtoken",
        "credential", "credentials", "session", "sessionid", "sessid", "phpsessid", "jsessionid", "sid", "cookie",
        "card", "cardnumber", "cvv", "cvc", "signature", "sig", "otp", "pin", "ssn",
    ]

    static func matches(_ name: some Sequence<UInt8>) -> Bool {
        var part: [UInt8] = []
        for byte in name {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): part.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): part.append(byte)
            default:
                if isWord(part) { return true }
                part.removeAll(keepingCapacity: true)
            }
        }
        return isWord(part)
    }

    private static func isWord(_ part: [UInt8]) -> Bool {
        part.count >= 3 && words.contains(String(decoding: part, as: UTF8.self))
    }
}
