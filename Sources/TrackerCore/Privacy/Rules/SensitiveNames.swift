// Names of secrets as data. The automaton is built from this list, and tests check it word by word.
//
// A space in an entry matches any separator or none: `api key` is `api_key`, `Api-Key`, `apiKey` and `apikey`.

extension SensitiveName {
    static let all: [SensitiveName] = [
        SensitiveName(
            family: "passwords", meaning: .secret, place: .anywhere, source: "Sentry's and OpenTelemetry's lists",
            words: [
                "password", "passwd", "passphrase", "passwort", "kennwort", "contrasena", "mot de passe", "wachtwoord",
                "пароль", "密码", "密碼", "パスワード", "비밀번호", "كلمة المرور", "رمز عبور", "mật khẩu",
                "पासवर्ड",
            ]),
        SensitiveName(
            family: "passwords", meaning: .secret, place: .ending, source: "Sentry's and detect-secrets' lists",
            words: ["passcode", "pwd", "pswd", "senha", "haslo", "sifre", "user pass", "db pass", "login pass"]),
        SensitiveName(
            family: "passwords", meaning: .secret, place: .part, source: "Sentry's and detect-secrets' lists",
            words: [
                "pass", "pw", "mysql pwd", "parola", "parola chiave", "parola d ordine", "clave", "mdp", "geheim",
                "geheimnis", "kata sandi", "mat khau", "секрет", "口令", "暗証番号", "암호", "گذرواژه", "密钥",
                "密鑰",
            ]),
        SensitiveName(
            family: "tokens", meaning: .secret, place: .anywhere, source: "OWASP, Sentry's and OpenTelemetry's lists",
            words: ["access token", "auth token", "refresh token", "id token", "bearer token", "csrf token"]),
        SensitiveName(
            family: "tokens", meaning: .secret, place: .ending, source: "OWASP, Sentry's and OpenTelemetry's lists",
            words: ["token", "jwt", "jeton", "csrf middleware token", "csrf", "xsrf"]),
        SensitiveName(
            family: "tokens", meaning: .secret, place: .part, source: "RFC 6749, RFC 7519, OpenID Connect",
            words: [
                "jwe", "bearer", "assertion", "code verifier", "oauth verifier", "令牌", "токен", "トークン", "토큰",
            ]),
        SensitiveName(
            family: "secrets", meaning: .secret, place: .ending, source: "gitleaks, detect-secrets, Sentry's list",
            words: ["secret", "credential", "client secret", "app secret", "webhook secret", "hmac"]),
        SensitiveName(
            family: "secrets", meaning: .secret, place: .part, source: "gitleaks, detect-secrets, Sentry's list",
            words: [
                "creds", "nip code", "hash", "signature", "sig", "x sig", "principal", "impersonate", "recovery phrase",
                "seed phrase", "mnemonic",
            ]),
        SensitiveName(
            family: "keys", meaning: .secret, place: .anywhere, source: "gitleaks, Sentry's list",
            words: ["api key", "secret key", "private key", "access key"]),
        SensitiveName(
            family: "keys", meaning: .secret, place: .ending, source: "gitleaks, Sentry's list",
            words: [
                "app key", "license key", "licence key", "auth key", "master key", "shared key", "stream key",
                "account key", "storage key", "session key", "encryption key", "signing key", "consumer key",
                "subscription key", "service key", "server key", "client key", "activation key", "product key",
                "deploy key", "ssh key", "gpg key", "pgp key", "write key", "admin key", "root key", "integration key",
                "user key", "dev key", "host key", "functions key", "host secret", "sess key", "pass key",
            ]),
        SensitiveName(
            family: "keys", meaning: .secret, place: .part, source: "gitleaks, Sentry's list",
            words: ["key", "public key", "schlussel", "chave", "llave", "ключ"]),
        SensitiveName(
            family: "codes", meaning: .secret, place: .ending, source: "RFC 6749, RFC 6238",
            words: [
                "auth code", "access code", "verification code", "verify code", "security code", "otp code", "sms code",
                "activation code", "confirmation code", "invite code", "invitation code", "authorization code",
                "backup code", "recovery code", "reset code", "login code", "mfa code", "pass code",
                "oob code", "device code", "user code",
            ]),
        SensitiveName(
            family: "codes", meaning: .secret, place: .part, source: "RFC 6749, RFC 6238",
            words: ["otp", "totp", "hotp", "mfa", "pin", "tan", "2fa", "one time code"]),
        SensitiveName(
            family: "codes of a login", meaning: .conditional, place: .whole, source: "RFC 6749, OpenID Connect, CAS",
            words: [
                "code", "state", "ticket", "nonce", "login state",
                "login ticket", "cnonce", "x nonce", "x state", "x ticket", "login challenge",
                "consent challenge", "login hint",
            ]),
        SensitiveName(
            family: "logins", meaning: .secret, place: .part, source: "Sentry's and OpenTelemetry's lists",
            words: [
                "auth", "auth0", "oauth", "oauth2", "authn", "authz", "authorization", "authorisation",
                "authentication", "authenticate", "sso", "saml", "saml response", "saml request", "saml art",
                "http auth",
                "basic auth", "user auth", "proxy auth",
            ]),
        SensitiveName(
            family: "sessions", meaning: .secret, place: .ending, source: "frameworks' cookies",
            words: ["session id", "sess id", "phpsessid", "jsessionid", "connect sid"]),
        SensitiveName(
            family: "sessions", meaning: .secret, place: .part, source: "frameworks' cookies",
            words: ["session", "sess", "aspsessionid", "asp net session id", "sid", "ssid"]),
        SensitiveName(
            family: "cookies", meaning: .secretLine, place: .whole, source: "RFC 6265",
            words: ["cookie", "set cookie", "cookie2", "set cookie2"]),
        SensitiveName(
            family: "cookies", meaning: .secret, place: .part, source: "RFC 6265",
            words: ["cookie"]),
        SensitiveName(
            family: "payment", meaning: .secret, place: .part, source: "PCI DSS, OpenTelemetry's list",
            words: [
                "card", "card number", "card no", "credit card", "debit card", "credit", "cc number", "cc num", "cvv",
                "cvv2", "cvc", "cvc2", "cav2", "iban", "account number", "bank account", "routing number",
            ]),
        SensitiveName(
            family: "identity", meaning: .secret, place: .part, source: "OpenTelemetry's list, NIST SP 800-122",
            words: [
                "ssn", "social security", "social security number", "tax id", "national id", "passport number",
                "driver license", "drivers license",
            ]),
        SensitiveName(
            family: "telephones", meaning: .phone, place: .part, source: "NIST SP 800-122",
            words: [
                "phone", "phones", "telephone", "telefon", "telefone", "telefono", "tel", "mobile", "cell", "cellphone",
                "phone number", "mobile number", "msisdn", "fax", "whatsapp", "celular", "cellulare", "电话", "手机",
                "телефон", "電話", "handynummer", "sms",
            ]),
        SensitiveName(
            family: "names that only sound like it", meaning: .harmless, place: .part, source: "names seen in the wild",
            words: [
                "sort key", "partition key", "primary key", "foreign key", "cache key", "surrogate key", "range key",
                "order key", "group key", "object key", "row key", "column key", "translation key", "message key",
                "lookup key", "index key", "map key", "item key", "idempotency key", "key type", "key code",
                "key word", "key size", "key length", "key frame", "key board", "key press", "key up", "key down",
                "key name", "key count", "hot key", "chroma key", "grouping key", "join key", "routing key",
                "shard key",
                "dedupe key", "dedup key", "i18n key", "max token", "min token", "token type", "token count",
                "token usage",
                "token limit", "tokens used", "total token", "prompt token", "completion token", "input token",
                "output token", "num token", "n token", "tokens per second", "reasoning token", "cached token",
                "token budget", "stop token", "token expires", "token expiry", "expires token", "max new token",
                "hash tag", "content hash", "commit hash", "file hash", "git hash", "block hash", "hash type",
                "hash algorithm", "build hash", "asset hash", "chunk hash", "image hash", "code hash", "hash router",
                "location hash", "page hash", "pass through", "pass rate", "pass count", "boarding pass", "ski pass",
                "by pass",
                "day pass", "season pass", "pass percentage", "auth type", "auth method", "auth provider", "auth mode",
                "session count", "session duration", "session start", "session length", "session type",
                "session timeout", "session number", "training session", "session speaker", "session topic",
                "session format", "session name", "pin count", "pin type", "map pin", "pin color", "pin board",
                "cookie consent",
                "cookie policy", "cookie banner", "cookie accepted", "cookie enabled", "accept cookie", "cookie notice",
                "cookie recipe", "cookie preference", "cookie law", "signature type", "signature version",
                "signature dish",
                "signature method", "signature algorithm", "credit limit", "credit score", "credits", "card type",
                "card count", "card brand", "card layout", "card view", "card size", "card style", "business card",
                "gift card", "score card", "card title", "card color", "post card", "passwordless", "password policy",
                "password strength", "password length", "secret santa", "secret garden", "secret menu",
                "mobile app", "mobile view", "is mobile", "mobile menu", "cell count", "cell size", "cell type",
                "phone type", "phone model", "phone brand", "phone case", "sec ch ua mobile", "authorization type",
                "tan theta",
                "sun tan", "tan color", "bearers",
            ]),
    ]
}

/// Path keywords after which a random segment is a secret, such as `reset` in `/reset/aT9...`.
enum SensitivePath {
    /// Keywords, as whole parts of a segment.
    static let words = [
        "reset", "resets", "verify", "verification", "confirm", "confirmation", "activate", "activation", "invite",
        "invites", "invitation", "invitations", "magic", "magic link", "unsubscribe", "optout", "share", "shared",
        "shares", "hook", "hooks", "webhook", "webhooks", "recover", "recovery", "forgot", "onetime", "one time",
        "login", "signin", "sign in", "accept", "claim", "redeem", "validate", "validation", "approve", "rsvp",
        "private", "ical", "register", "registration", "subscribe", "subscription", "email change", "change email",
        "impersonate", "guest", "join", "unlock", "capability", "presigned", "sendgrid", "setup", "callback", "code",
        "ticket", "restablecer", "zurucksetzen", "bestatigen", "einladung", "abmelden", "reinitialiser", "redefinir",
        "confirmar", "verificar", "convite", "invitacion",
    ]

    /// Keywords after which a number of six to nine digits is hidden, too, because it may be a code.
    static let numericWords = [
        "verify", "verification", "confirm", "confirmation", "otp", "reset", "activate", "activation", "pin", "2fa",
        "mfa", "code", "login", "magic",
    ]

    /// Keywords in the callback URLs of logins, where every value of `code` and `state` is hidden.
    static let callbacks = [
        "callback", "oauth", "oauth2", "oidc", "openid", "authorize", "authorization", "signin", "sso", "saml", "cas",
        "login", "auth", "redirect uri",
    ]
}

/// Words in a name that tell how sensitive its value is.
struct SensitiveName: Sendable {
    /// Where in a name the words match. Case, separators (`-`, `_`, `.`, a space) and accents are ignored; a plural `s`
    /// and digits may follow.
    enum Place: UInt8, Sendable {
        /// As a part of the name. Parts end at anything but letters and digits, and between a lowercase letter and a
        /// capital: `key` in `api_key`, `apiKey` and `API-KEY`, but not in `monkey`.
        case part
        /// As a part, or as the end of one: `token` in `wstoken`.
        case ending
        /// Anywhere: `password` in `oldpasswordhash`.
        case anywhere
        /// As the whole name.
        case whole
    }

    /// The sensitivity of a value whose name contains the words.
    enum Meaning: UInt8, Sendable, Comparable {
        /// The value is not sensitive.
        case harmless
        /// The value is a secret if it looks random, or if the URL looks like the callback of a login.
        case conditional
        /// The value is a telephone number if it looks like one.
        case phone
        /// The value is a secret.
        case secret
        /// The rest of the line is a secret: cookies.
        case secretLine

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let family: String
    let meaning: Meaning
    let place: Place
    /// Where such lists are published.
    let source: String
    let words: [String]
}
