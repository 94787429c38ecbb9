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

    /// The words by hash. Two words that share a hash would only hide a value too many.
    private static let hashes = Set(words.map { hash(Array($0.utf8)[...]) })
    /// One bit for each hash's low byte: most parts of most names are turned away here.
    private static let sieve: [Bool] = {
        var sieve = [Bool](repeating: false, count: 1024)
        for hash in hashes { sieve[Int(hash & 1023)] = true }
        return sieve
    }()

    private static let seed: UInt64 = 14_695_981_039_346_656_037

    private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    static func matches(_ name: some Sequence<UInt8>) -> Bool {
        var hash = seed
        for byte in name {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): hash = (hash ^ UInt64(byte | 0x20)) &* 1_099_511_628_211
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
            default:
                if isWord(hash) { return true }
                hash = seed
            }
        }
        return isWord(hash)
    }

    private static func isWord(_ hash: UInt64) -> Bool {
        sieve[Int(hash & 1023)] && hashes.contains(hash)
    }
}
