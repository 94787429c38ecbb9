// Key formats that their issuers publish, as data: the prefix, what follows it, and how it is checked. The automaton is
// built from this list, and a test checks each entry against its own example and look-alike.
//
// The prefix and the rest of each example are separate, so that secret scanners don't take this file for a leak. All
// examples are random and were made up.

extension SecretFormat {
    static let codeHostsAndPackageRegistries: [SecretFormat] = [
        SecretFormat(
            "GitHub ghp", "ghp_", .alphanumeric, 36, .crc32, source: "GitHub docs: token formats",
            match: "ecCnqF2SUoOooSGaWPiyIip9k2ZZsX47X3S4",
            lookAlike: "ghp_is-a-prefix-of-tokens-at-a-code-host-and-more"),
        SecretFormat(
            "GitHub gho", "gho_", .alphanumeric, 36, .crc32, source: "GitHub docs: token formats",
            match: "XNf1EkuPtxyGWmZQhXQCaSBLdVLIIN3B8lpd",
            lookAlike: "gho_is-a-prefix-of-tokens-at-a-code-host-and-more"),
        SecretFormat(
            "GitHub ghu", "ghu_", .alphanumeric, 36, .crc32, source: "GitHub docs: token formats",
            match: "8nVy40xdnxVZmwkycbF1bthAfImpmC2epg52",
            lookAlike: "ghu_is-a-prefix-of-tokens-at-a-code-host-and-more"),
        SecretFormat(
            "GitHub ghs", "ghs_", .alphanumeric, 36, .crc32, source: "GitHub docs: token formats",
            match: "iMi4jFapxRslu0fHeqbkUZk8uxGRSQ3xQpQO",
            lookAlike: "ghs_is-a-prefix-of-tokens-at-a-code-host-and-more"),
        SecretFormat(
            "GitHub ghr", "ghr_", .alphanumeric, 36, .crc32, source: "GitHub docs: token formats",
            match: "LVyqQgl9tmKNWNjnh6NYSBcJcWbzwjobRuGAZx5m4w4nC8ohUIxZsJ9cOFGI4wzR1lCDoC0nd0uA",
            lookAlike: "ghr_is-a-prefix-of-tokens-at-a-code-host-and-more"),
        SecretFormat(
            "GitHub fine-grained", "github_pat_", .base64URL, 40, source: "GitHub docs: token formats",
            match: "jDIzQLooygMhKEf7cQURDB_5W2hyiTBi9c9WxSpyEzw2QGWpZeKGU70Feng6MumAATi5BdoKswpj42j2a0",
            lookAlike: "github_pat_settings_page_of_the_documentation_site_for_all"),
        SecretFormat(
            "GitLab personal", "glpat-", .dotted, 16, source: "GitLab docs: token overview",
            match: "Jf8X6mfQmx7jYsVfmkUb",
            lookAlike: "glpat-is-the-prefix-of-tokens"),
        SecretFormat(
            "GitLab deploy", "gldt-", .dotted, 20, source: "GitLab docs: token overview",
            match: "k42Toe0fcFrq7qVyUGK3",
            lookAlike: "gldt-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab pipeline trigger", "glptt-", .dotted, 20, source: "GitLab docs: token overview",
            match: "FA9VO6Im713UWPLT6YB_Jt-Uy704t9FOYYm5JMQE",
            lookAlike: "glptt-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab runner", "glrt-", .dotted, 20, source: "GitLab docs: token overview",
            match: "lB7pWbh2n1ZlEpzLsFNk",
            lookAlike: "glrt-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab CI job", "glcbt-", .dotted, 20, source: "GitLab docs: token overview",
            match: "-9uPxDXGaYj9UJJNK8Hu",
            lookAlike: "glcbt-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab SCIM", "glsoat-", .dotted, 20, source: "GitLab docs: token overview",
            match: "jqq-U_r3R4DV1OHF_CRv",
            lookAlike: "glsoat-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab feed", "glft-", .dotted, 20, source: "GitLab docs: token overview",
            match: "q3s8uh5nMKN-soffFi_d",
            lookAlike: "glft-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab incoming mail", "glimt-", .dotted, 20, source: "GitLab docs: token overview",
            match: "-_3L6bADj7LmtI7YRnZ63rB-r",
            lookAlike: "glimt-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab agent", "glagent-", .dotted, 20, source: "GitLab docs: token overview",
            match: "i5MTykSB6VS8FkbQ2vLyJsNAwzFEZcggEm7s_dhHd3jJfV3alF",
            lookAlike: "glagent-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab OAuth application", "gloas-", .dotted, 20, source: "GitLab docs: token overview",
            match: "-iwKVjoksOEQdAATbG6AhAhfVkuklZUO_on_b5s9Ybs8j1GdxEkseGqLeclCnYCC",
            lookAlike: "gloas-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab feature flags", "glffct-", .dotted, 20, source: "GitLab docs: token overview",
            match: "fBIJ43R6sc2Opu4Yrmez",
            lookAlike: "glffct-is-a-prefix-and-this-is-a-slug-of-words-only-not-a-token"),
        SecretFormat(
            "GitLab runner registration", "GR1348941", .base64URL, 20, source: "gitleaks",
            match: "6to9hgpRUs6aDHrB5Cll",
            lookAlike: "GR1348941-is-a-prefix-of-tokens"),
        SecretFormat(
            "npm", "npm_", .alphanumeric, 36, .crc32, source: "npm docs: access tokens",
            match: "Kqh8N5dw4Cj2notH0jktC8UkRDQpmE47UXDg",
            lookAlike: "npm_config_loglevel_of_the_package_manager"),
        SecretFormat(
            "PyPI", "pypi-", .base64URL, 50, source: "PyPI docs: API tokens",
            match: "AgEIcHlwaS5vcmcxM91fnCFoekR0AIACs8j7k2jwVZA5lw6uGXTQKaFRP-wAGDbCNbLQYBMM-gP",
            lookAlike: "pypi-packages-that-everybody-should-know-about-this-year-and-next"),
        SecretFormat(
            "RubyGems", "rubygems_", .hex, 48, source: "RubyGems guides: API keys",
            match: "66855d7fdb742255f3a9d4c26a78096a8ce5b4f5eddb3e12",
            lookAlike: "rubygems_mirror_of_the_company"),
        SecretFormat(
            "Docker Hub", "dckr_pat_", .base64URL, 20, source: "Docker docs: access tokens",
            match: "Zo_3KaGCcAPVYR4b0FIMtbmIS_o",
            lookAlike: "dckr_pat_is_how_they_begin_here"),
        SecretFormat(
            "Docker Hub organization", "dckr_oat_", .base64URL, 20, source: "Docker docs: access tokens",
            match: "svieXpYNWxLL7973Kf7tWgt5_r7mUqPf",
            lookAlike: "dckr_oat_is_how_they_begin_here"),
        SecretFormat(
            "Clojars", "CLOJARS_", .alphanumeric, 60, .none, source: "gitleaks",
            match: "s844otbxn4mpnpfdg3br3vbhh1oflymyiaege8do5mcfzfl0m92c2rzwogoy",
            lookAlike: "CLOJARS_deploy"),
        SecretFormat(
            "Artifactory API key", "AKCp", .alphanumeric, 69, source: "gitleaks",
            match: "dzJisQqDkLsdDU7iG10vqLjM80LdNcWP8gKZdtag7rNgCdL9y9vu566WBTZDTlYCCRh4X",
            lookAlike: "AKCpress"),
        SecretFormat(
            "Artifactory reference", "cmVmd", .alphanumeric, 59, source: "gitleaks",
            match: "Wrs44sFdwkUoMKqqTMPHxWO90kGZI7wswOBxmnM0gbWMNtoihXj6yNexhoC",
            lookAlike: "cmVmdTool"),
        SecretFormat(
            "NuGet", "oy2", .alphanumeric, 43, upTo: 43, source: "NuGet docs: API keys",
            match: "0cwrzzlih1nav9j00plhcn2nofrquselv1fnwbto6y4",
            lookAlike: "oy2-harbour"),
        SecretFormat(
            "Bitbucket app password", "ATBB", .alphanumeric, 32, source: "Atlassian docs: app passwords",
            match: "Pdh8cCQg8W99cr8WQ3HhcLxY1nVyclNb",
            lookAlike: "ATBBQ-grill"),
        SecretFormat(
            "Atlassian", "ATATT3", .dotted, 60, source: "Atlassian docs: API tokens",
            match: "xFfGF0-jnCbnrrchQxdQ7EqTW2vWkr6Xa8mZLHxbUgfOrXxZ_hswmn_l-ZTPGr_6rRt7sSx9KHCOkf=MJ8NTTSB",
            lookAlike: "ATATT3"),
        SecretFormat(
            "Atlassian consumer", "ATCTT3", .dotted, 60, source: "Atlassian docs: API tokens",
            match: "xFfGN0HI6clUycrI8WEKZA8a0abw79IWQYCOZwNrrlo7furIEw6YkrQppE1HbtmOdPZXAAJj1SRW8W=YKCZZ9E8",
            lookAlike: "ATCTT3"),
        SecretFormat(
            "CircleCI", "CCIPAT_", .base64URL, 30, source: "CircleCI docs: API tokens",
            match: "daIoBsPU8D4XYU3lAOng5W_ebbaa3c3ffbf29b4c54cdda795e872d30bb40aaf",
            lookAlike: "CCIPAT_is_a_prefix"),
        SecretFormat(
            "Buildkite", "bkua_", .alphanumeric, 40, source: "Buildkite docs: API tokens",
            match: "98145111e57017df65f657070374e52ccd95926e",
            lookAlike: "bkua_pipeline"),
        SecretFormat(
            "Terraform Cloud", ".atlasv1.", .base64URL, 60, lead: 14, source: "gitleaks",
            match: "PCOodCqdXJ0GDSm3M15qmL06w7CUE4yt9trAWJY5R4LtwiOmvEexRmsSVxUgO60YIbT",
            lookAlike: "terraform.atlasv1.html"),
        SecretFormat(
            "Pulumi", "pul-", .hex, 40, source: "gitleaks",
            match: "1cdfeb121077c8427afb29ed3a40fe1568aa938a",
            lookAlike: "pul-lover"),
        SecretFormat(
            "Prefect", "pnu_", .alphanumeric, 36, source: "gitleaks",
            match: "NZLL9Ca7aENqvAtu4mQ2E6cpC6j8Xbwlk1ZF",
            lookAlike: "pnu_list"),
        SecretFormat(
            "Sourcegraph", "sgp_", .base64URL, 40, source: "gitleaks",
            match: "3f28709f00175a6e_f06c7e907a6503096c4dc68f7217c361024ef9bb",
            lookAlike: "sgp_singapore"),
        SecretFormat(
            "Octopus Deploy", "API-", .upperAlphanumeric, 26, upTo: 32, source: "gitleaks",
            match: "TZD27XUJ7AJP225VJPYXD78VJP",
            lookAlike: "API-Documentation-of-the-service"),
    ]

    static let clouds: [SecretFormat] = [
        SecretFormat(
            "AWS AKIA", "AKIA", .upperAlphanumeric, 16, upTo: 20, .none, source: "AWS docs: IAM identifiers",
            match: "MYMEUPLA72NZKTQJ",
            lookAlike: "AKIA-region"),
        SecretFormat(
            "AWS ASIA", "ASIA", .upperAlphanumeric, 16, upTo: 20, .none, source: "AWS docs: IAM identifiers",
            match: "R73WQLN3EAJG4WBB",
            lookAlike: "ASIA-region"),
        SecretFormat(
            "AWS ABIA", "ABIA", .upperAlphanumeric, 16, upTo: 20, .none, source: "AWS docs: IAM identifiers",
            match: "7BLUGPWNXTEHBKVS",
            lookAlike: "ABIA-region"),
        SecretFormat(
            "AWS ACCA", "ACCA", .upperAlphanumeric, 16, upTo: 20, .none, source: "AWS docs: IAM identifiers",
            match: "AZRJIW24ERGIXHRU",
            lookAlike: "ACCA-region"),
        SecretFormat(
            "AWS A3T", "A3T", .upperAlphanumeric, 17, upTo: 20, .none, source: "AWS docs: IAM identifiers",
            match: "XO4KAZ3T7Y7XILPY2",
            lookAlike: "A3TEA"),
        SecretFormat(
            "AWS Bedrock", "ABSK", .token, 60, source: "gitleaks",
            match: "7ief9GPbj3aIeAHwbaiv8Z1oZ44Ylv2jT8yisNPN2jmURWQ/eokXiFZ55k7EPy2yqUHJkkTT",
            lookAlike: "ABSKlar"),
        SecretFormat(
            "Amazon MWS", "amzn.mws.", .hexAndHyphen, 36, .none, source: "gitleaks",
            match: "3fbaf3d6-1143-ceec-060e-deb7e4845d8f",
            lookAlike: "amzn.mws.docs"),
        SecretFormat(
            "Google API key", "AIza", .base64URL, 35, source: "Google Cloud docs: API keys",
            match: "OHFwrYslGesElf_PAb4spBkT-kfLUia_enT",
            lookAlike: "AIzawa"),
        SecretFormat(
            "Google OAuth access", "ya29.", .dotted, 20, source: "Google docs: OAuth 2.0",
            match: "a0AfBhrkU4ChW2lbwoCI-c0r0Srrle9TmR9nM_uRp-129R0os7OD26mrgzos-VSxOAiX6bojfd8t",
            lookAlike: "ya29.html"),
        SecretFormat(
            "Google OAuth refresh", "1//0", .base64URL, 20, source: "Google docs: OAuth 2.0",
            match: "L3u8Gw3LRbsRF2tgy7UM5T9JTn0dr-M9ikO7jeiHeEZNDZMSdoX7ZeZ4Q9TG_VpJzgvlDex0KIY0W9-w8d8X6s1j-d",
            lookAlike: "1//0"),
        SecretFormat(
            "Google OAuth client", "GOCSPX-", .base64URL, 20, source: "Google docs: OAuth 2.0",
            match: "vV3KG-YQT2TZd93NxoUfVnsvUVPl",
            lookAlike: "GOCSPX-is-a-prefix"),
        SecretFormat(
            "Azure AD client", "8Q~", .dotted, 31, lead: 3, source: "gitleaks",
            match: "JRPevDecmCLKYrzq7r9UvvHkULHUNycbz9",
            lookAlike: "8Q~"),
        SecretFormat(
            "Azure AD client, older", "7Q~", .dotted, 31, lead: 3, source: "gitleaks",
            match: "9jdX3FEY6mKM-tc0os4FiNjY2gh2aFsr8D",
            lookAlike: "7Q~"),
        SecretFormat(
            "DigitalOcean personal", "dop_v1_", .hex, 60, .none, source: "DigitalOcean docs: tokens",
            match: "8e297f1e5d472cb4a351d27c0157a6acf801978c4704566191b6dd017ad352c3",
            lookAlike: "dop_v1_docs"),
        SecretFormat(
            "DigitalOcean OAuth", "doo_v1_", .hex, 60, .none, source: "DigitalOcean docs: tokens",
            match: "de35c9feaeaacc58ab1f6d00a6d194d969991ae993cc3444ec853b30520685bd",
            lookAlike: "doo_v1_docs"),
        SecretFormat(
            "DigitalOcean refresh", "dor_v1_", .hex, 60, .none, source: "DigitalOcean docs: tokens",
            match: "eddae98947dbb0382f9fc3e7f368af5285aaa70e8001d1f9a4be03582dd42d96",
            lookAlike: "dor_v1_docs"),
        SecretFormat(
            "Databricks", "dapi", .hex, 32, source: "Databricks docs: access tokens",
            match: "c3e5cada78fb062e35382d79d102e036",
            lookAlike: "dapifacade"),
        SecretFormat(
            "Vault service", "hvs.", .base64URL, 24, source: "Vault docs: tokens",
            match: "CAESK5kWEMvc1Li-vsxwd6gE-loxr9VQD6ePRN0KlluJ8ERS2DTtJQeasgwlufsarPP0J4bNyC-u9tYXHkcrawcZOXDn0f",
            lookAlike: "hvs.html"),
        SecretFormat(
            "Vault batch", "hvb.", .base64URL, 24, source: "Vault docs: tokens",
            match: "AAAAWBsgcr8EeegqPfN9T_SmiJ_bUrG3MNk3uTAeyjFN276kUFf9frk3BCk5GAf5bgWM9ycts-EI",
            lookAlike: "hvb.html"),
        SecretFormat(
            "Vault recovery", "hvr.", .base64URL, 24, source: "Vault docs: tokens",
            match: "gqzn2tJPMV5kno63nCgrUhxuYQIwc3aQ7_Bpml_JS2wZ7sZ3ATpWc2cM6ArB15W_Gbf8L1ZUhK6X1a91gLl67AHKON",
            lookAlike: "hvr.html"),
        SecretFormat(
            "Vault before 1.10", "s.", .alphanumeric, 24, upTo: 26, source: "Vault docs: tokens",
            match: "pAvcoFyPADglczuSl4dexO1L",
            lookAlike: "s.t"),
        SecretFormat(
            "Heroku", "HRKU-", .base64URL, 36, source: "gitleaks",
            match: "AAVV5YE4NkjCgh8DwfHqgz0nto9sVD62RLaAYvYfDhhl-K6ywRZ4D5qr1jV3",
            lookAlike: "HRKU-dyno"),
        SecretFormat(
            "Alibaba", "LTAI", .alphanumeric, 16, upTo: 24, source: "gitleaks",
            match: "foGJpjLfkbL26R8gFUq3",
            lookAlike: "LTAIr"),
        SecretFormat(
            "Tencent", "AKID", .alphanumeric, 32, upTo: 36, source: "Tencent docs: CAM keys",
            match: "aXk1AelwxBDHvCyWOb1V56rUjl9MjaSt",
            lookAlike: "AKIDs"),
        SecretFormat(
            "Fly.io", "fo1_", .base64URL, 40, source: "gitleaks",
            match: "GtUaYPW2-7rZ7l31t3vurHp_jmT2VZfBaKkXsfoFjsG",
            lookAlike: "fo1_region"),
        SecretFormat(
            "Fly.io macaroon", "fm2_", .token, 60, source: "gitleaks",
            match: "D8driLbvNktRRSedw+QDjn6RRSysZSsgxa8bp5o2OnfhT2DWFOsTu6GuLHbTyNHoTx68jQvr",
            lookAlike: "fm2_radio"),
        SecretFormat(
            "Cloudflare origin CA", "v1.0-", .hexAndHyphen, 60, .none, source: "gitleaks",
            match: "1073c775a79047a5c28f2994-a48a4afb2617552a458688335f8460ae1c2da5e6dc489ba73b5f4d6ac530",
            lookAlike: "v1.0-beta"),
        SecretFormat(
            "PlanetScale", "pscale_tkn_", .dotted, 32, source: "gitleaks",
            match: "4t55x5gKajqfKx6jH-eSDHc5vqNiAIQVJ184ZamYngJ",
            lookAlike: "pscale_tkn_list"),
        SecretFormat(
            "PlanetScale OAuth", "pscale_oauth_", .dotted, 32, source: "gitleaks",
            match: "PBdOiTGzCaLUV8N70B5e-0cm0ajBsxlZ79iPT1uCubZ",
            lookAlike: "pscale_oauth_list"),
        SecretFormat(
            "PlanetScale password", "pscale_pw_", .dotted, 32, source: "gitleaks",
            match: "BBxccyFR3uwm93hKxO7-EY4GB8wVWvKgb_mno3KGJPf",
            lookAlike: "pscale_pw_list"),
        SecretFormat(
            "Supabase", "sbp_", .hex, 40, source: "Supabase docs: access tokens",
            match: "f92fda66ab127e725ee89e3a3954f5b152b1c8de",
            lookAlike: "sbp_list"),
        SecretFormat(
            "Scalingo", "tk-us-", .base64URL, 48, source: "gitleaks",
            match: "Vr83ZiGL2oM0xmNEHkuW_Yd2ujR-J-Ev0e1e1QqZ9EbYzoAS",
            lookAlike: "tk-us-west"),
        SecretFormat(
            "OpenShift", "sha256~", .base64URL, 43, source: "gitleaks",
            match: "sa6TjP3idxJPIhxjpXu3yQ7yuvbG9PEqfqnNuPUTpYK",
            lookAlike: "sha256~"),
        SecretFormat(
            "Doppler", "dp.pt.", .alphanumeric, 40, source: "gitleaks",
            match: "50ujQD3HtG2ULLoslKlRVSvrAdQcpWvGscu1DPoxK8g",
            lookAlike: "dp.pt.html"),
        SecretFormat(
            "Infracost", "ico-", .alphanumeric, 32, source: "gitleaks",
            match: "O0zhaIvu6bKoCQry90cjtYnAnH32ll68",
            lookAlike: "ico-files"),
    ]

    static let messengersMailAndTelephony: [SecretFormat] = [
        SecretFormat(
            "Slack xoxb-", "xoxb-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "448606010751-381886681011-dj26AWaPP3Z82hH933pMmsv2",
            lookAlike: "xoxb-prefix"),
        SecretFormat(
            "Slack xoxp-", "xoxp-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "136752602455-781888829106-067012244411-18f86f880ffcf2d20c7228860ed9d3f1",
            lookAlike: "xoxp-prefix"),
        SecretFormat(
            "Slack xoxa-", "xoxa-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "2-257446041355-6im70n1S7LeMnCxVvA3VE2Zk",
            lookAlike: "xoxa-prefix"),
        SecretFormat(
            "Slack xoxr-", "xoxr-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "382325523493-iHC4RfLqz3AV5g2BWonJVGuw",
            lookAlike: "xoxr-prefix"),
        SecretFormat(
            "Slack xoxs-", "xoxs-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "274381636052-507858441613-5162a2cb7e",
            lookAlike: "xoxs-prefix"),
        SecretFormat(
            "Slack xoxe-", "xoxe-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "1-PeS0SyxaQcX2mUgMjWV1nXgruARA7NAGKiB365NM4dqKn7ASXMofcToVZsZBxgPRAZD45tsR",
            lookAlike: "xoxe-prefix"),
        SecretFormat(
            "Slack xoxc-", "xoxc-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match:
                "390488618892-002075848883-557883672201-e80d57ba7188d91e5cd99eb0b759807566857f4b4d1def84583ee48b2cf86e19",
            lookAlike: "xoxc-prefix"),
        SecretFormat(
            "Slack xoxd-", "xoxd-", .base64URL, 10, .hasDigit, source: "Slack docs: token types",
            match: "CleUC7oiGi9fzEqSiivrSLCBUcTMZbgCjKMZV1YrXnz72R6MxLZAyEMBJweB",
            lookAlike: "xoxd-prefix"),
        SecretFormat(
            "Slack app", "xapp-", .base64URL, 20, source: "Slack docs: token types",
            match: "1-AKKGAYG0P8T-1134493883426-f2cf8b905d52ed98c6bbde6bb0234e7f9562ca7f983dcdd8fce4a2b97d3f92b0",
            lookAlike: "xapp-store"),
        SecretFormat(
            "Slack refresh", "xoxe.xox", .dotted, 20, source: "Slack docs: token types",
            match: "b-1-5yMXWhmtdw9dVPzS7xmkXzCNQVK39IQll44fAQBgahYmJRRZhqBSpG6hZeh31GDvtPRYyijU",
            lookAlike: "xoxe.xox"),
        SecretFormat(
            "Slack webhook", "hooks.slack.com/", .token, 30, source: "Slack docs: incoming webhooks",
            match: "services/TNW7QCZNI4R/B9HEMVO4Q2K/MvgXsQwHeqC9kPOMjrWuoFoT",
            lookAlike: "hooks.slack.com/docs"),
        SecretFormat(
            "Teams webhook", "webhook.office.com/", .token, 30, source: "gitleaks",
            match: "webhookb2/bef95ebb-b791-597d-55ca-561839ad7bfd",
            lookAlike: "webhook.office.com/docs"),
        SecretFormat(
            "Discord webhook", "discord.com/api/webhooks/", .token, 30, source: "Discord docs: webhooks",
            match: "365242425183230381/wRy-rGdqrOs2guotKEdcELd8LlBTQ1PgjWYkCV5tbpm9ml8cUco8lHJ7s82U1Le2Y27j",
            lookAlike: "discord.com/api/webhooks/docs"),
        SecretFormat(
            "Discord webhook, old host", "discordapp.com/api/webhooks/", .token, 30, source: "Discord docs: webhooks",
            match: "482039902199427204/99L_13yoNnigu0MZlNXM8_gjPPP2EksGu4ynuD4xBmXFQucp7XY-lh6LknlzzSQoZQw1",
            lookAlike: "discordapp.com/api/webhooks/docs"),
        SecretFormat(
            "Discord MFA", "mfa.", .base64URL, 60, source: "detect-secrets",
            match: "k_ed69RE-drNcBEQlinZKWnlV6QSwel0X5_YsNwnVSCpDsn0_v56T273kzw1KRPjvyhSD2dDJFKPMGHNGjRw",
            lookAlike: "mfa.html"),
        SecretFormat(
            "Twilio API key", "SK", .hex, 32, upTo: 32, source: "Twilio docs: API keys",
            match: "0e6a007923e1d1824b0c298e304f81bb",
            lookAlike: "SKIRT"),
        SecretFormat(
            "Twilio account", "AC", .hex, 32, upTo: 32, source: "Twilio docs: account SIDs",
            match: "783d69fa064759636eac60916f509a39",
            lookAlike: "ACADEMY"),
        SecretFormat(
            "SendGrid", "SG.", .dotted, 40, source: "SendGrid docs: API keys",
            match: "Pxrz3tHUmsi-hj4r2B1HgB.1MDL-253aWT0rdoTWX3cZa72WtobYvEGCiQ1GvFniXQ",
            lookAlike: "SG.html"),
        SecretFormat(
            "Mailgun", "key-", .hex, 32, upTo: 32, source: "Mailgun docs: API keys",
            match: "ac4589f55f61064b9a1c2f582d5bd6a3",
            lookAlike: "key-value"),
        SecretFormat(
            "Mailgun public", "pubkey-", .hex, 32, upTo: 32, source: "Mailgun docs: API keys",
            match: "fa5ef6918ec7d777ba74fb94c1001d61",
            lookAlike: "pubkey-algorithm"),
        SecretFormat(
            "Brevo", "xkeysib-", .base64URL, 60, source: "gitleaks",
            match: "971470e8e441ce14a66f279cc6c8c9aee9979b48311501d379fb6cb163b5f6c9-TQYAeyvnYSdeEAEb",
            lookAlike: "xkeysib-docs"),
        SecretFormat(
            "Mailchimp", "md-", .base64URL, 22, upTo: 22, source: "Mailchimp docs: transactional API",
            match: "dChI8l8XOYTDt4aKY4nAJo",
            lookAlike: "md-editor-with-a-live-view"),
        SecretFormat(
            "Postmark server", "POSTMARK_", .hexAndHyphen, 36, .none, source: "Postmark docs: API",
            match: "a5760a1b-c7ca-ace5-be28-056dd754bd4d",
            lookAlike: "POSTMARK_API"),
    ]

    static let paymentsAndShops: [SecretFormat] = [
        SecretFormat(
            "Stripe sk_live_", "sk_live_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "QAIkfq9DWVOilXNzBjWcK5Nn",
            lookAlike: "sk_live_docs"),
        SecretFormat(
            "Stripe sk_test_", "sk_test_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "PMpjBAZiWBFnMWcWDHECuPMj",
            lookAlike: "sk_test_docs"),
        SecretFormat(
            "Stripe rk_live_", "rk_live_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "UNP5ipW16GDWHd6hhu2CY8st",
            lookAlike: "rk_live_docs"),
        SecretFormat(
            "Stripe rk_test_", "rk_test_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "fIDCRrC8FnEnasBqsMiiSZhg",
            lookAlike: "rk_test_docs"),
        SecretFormat(
            "Stripe pk_live_", "pk_live_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "peqY1jL2vvB2fGxtkHNYslry",
            lookAlike: "pk_live_docs"),
        SecretFormat(
            "Stripe sk_prod_", "sk_prod_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "YVa1LcvM6YYR5ICGcALRr8JX",
            lookAlike: "sk_prod_docs"),
        SecretFormat(
            "Stripe rk_prod_", "rk_prod_", .alphanumeric, 12, .hasDigit, source: "Stripe docs: API keys",
            match: "dItJImRitv9NiajZUb3RtHNN",
            lookAlike: "rk_prod_docs"),
        SecretFormat(
            "Stripe webhook", "whsec_", .token, 12, .hasDigit, source: "Stripe docs: webhooks",
            match: "fwGR7mZXUHq8PeVbJEZ0dlQTRpYU41fK",
            lookAlike: "whsec_prefix"),
        SecretFormat(
            "Square access", "EAAA", .base64URL, 40, source: "Square docs: access tokens",
            match: "tuytBVvYtby7yL4S0B4Uy21vlWyH7AhYkh0min_aBS6_GQqonAEylH1dORhU",
            lookAlike: "EAAAH"),
        SecretFormat(
            "Square personal", "sq0atp-", .base64URL, 20, source: "Square docs: access tokens",
            match: "y2z9dqKrQPdVo95zPU6c5Q",
            lookAlike: "sq0atp-is-a-prefix-here"),
        SecretFormat(
            "Square OAuth", "sq0csp-", .base64URL, 20, source: "Square docs: access tokens",
            match: "DgVMpziK47SyBr7H0ogsGOvYd_t-HGufIOVhD9I5tZG",
            lookAlike: "sq0csp-is-a-prefix-here"),
        SecretFormat(
            "Square ID", "sq0idp-", .base64URL, 20, source: "Square docs: access tokens",
            match: "NS1Cugts2AEUouKuSdo-G7",
            lookAlike: "sq0idp-is-a-prefix-here"),
        SecretFormat(
            "Shopify shpat_", "shpat_", .hex, 20, .hasDigit, source: "Shopify docs: access tokens",
            match: "71102d27debdba0a0766c58c1a0e8dd0",
            lookAlike: "shpat_docs"),
        SecretFormat(
            "Shopify shpca_", "shpca_", .hex, 20, .hasDigit, source: "Shopify docs: access tokens",
            match: "91b111fcbf1c28df1cce6feb7233030a",
            lookAlike: "shpca_docs"),
        SecretFormat(
            "Shopify shppa_", "shppa_", .hex, 20, .hasDigit, source: "Shopify docs: access tokens",
            match: "95ecec4b4cf184247b394a63819b705e",
            lookAlike: "shppa_docs"),
        SecretFormat(
            "Shopify shpss_", "shpss_", .hex, 20, .hasDigit, source: "Shopify docs: access tokens",
            match: "9bfc874f766c4e955cb0b6949e76760f",
            lookAlike: "shpss_docs"),
        SecretFormat(
            "Flutterwave", "FLWSECK", .base64URL, 12, .hasDigit, source: "gitleaks",
            match: "_TEST-26ee0ff5c8fd96fc72c84f7834e511e8-X",
            lookAlike: "FLWSECK_docs"),
        SecretFormat(
            "EasyPost", "EZAK", .alphanumeric, 54, source: "gitleaks",
            match: "FTqsFLE9tT2pXEAWidCUIhZkBSpYWl6NOeKIFXg5vhSN4fWXp7Ht7o",
            lookAlike: "EZAKaya"),
        SecretFormat(
            "EasyPost test", "EZTK", .alphanumeric, 54, source: "gitleaks",
            match: "sJEUGXqVJKLEG3uIgSs8f9G0LaREWm6XgvC3Uu8KnSU1zA6Dbi57ME",
            lookAlike: "EZTKaya"),
        SecretFormat(
            "Shippo", "shippo_live_", .hex, 40, .none, source: "gitleaks",
            match: "c4b40cc3c0a4cae3ff6bd521c2eb736313e5ace3",
            lookAlike: "shippo_live_docs"),
        SecretFormat(
            "Shippo test", "shippo_test_", .hex, 40, .none, source: "gitleaks",
            match: "f0b7a63db6f9a58911a22e3379a7bb187ef18263",
            lookAlike: "shippo_test_docs"),
        SecretFormat(
            "Duffel", "duffel_live_", .dotted, 40, source: "gitleaks",
            match: "vJ5Ola-0B9O-Jk-skDLCJ0sM3Q3j93ksQstDdLTCPCa",
            lookAlike: "duffel_live_docs"),
        SecretFormat(
            "Duffel test", "duffel_test_", .dotted, 40, source: "gitleaks",
            match: "wIKQuY2XtlzF3Lv-Vvi1eJD7p9AMLhEL40mUXjXdbP-",
            lookAlike: "duffel_test_docs"),
        SecretFormat(
            "Plaid access", "access-production-", .hexAndHyphen, 36, .none, source: "Plaid docs: tokens",
            match: "1f0b66d1-aad5-d7e3-b959-553f6f21c449",
            lookAlike: "access-production-data"),
        SecretFormat(
            "Plaid sandbox", "access-sandbox-", .hexAndHyphen, 36, .none, source: "Plaid docs: tokens",
            match: "b1314f4b-d571-b10c-075a-9406f274fdbf",
            lookAlike: "access-sandbox-data"),
        SecretFormat(
            "Razorpay", "rzp_live_", .alphanumeric, 14, source: "Razorpay docs: API keys",
            match: "RfOe91epbU3Ozi",
            lookAlike: "rzp_live_integration"),
        SecretFormat(
            "Paystack", "sk_paystack_", .alphanumeric, 30, source: "Paystack docs: API keys",
            match: "217317ece76e4f235a22c3fbd93ee2cdd00c796e",
            lookAlike: "sk_paystack_docs"),
    ]

    static let machineLearning: [SecretFormat] = [
        SecretFormat(
            "OpenAI, Anthropic and others", "sk-", .base64URL, 20, source: "OpenAI and Anthropic docs: API keys",
            match:
                "proj-O5v6T1ZoPm_wbLD-0pbWU_xp5mZiJ5R0axpRnVzadnUXGdTuT3BlbkFJ0A-CPaDoiC1RtLEbJGNzk7z7GIOuAXwgARC1U2_pzM3_lKz8",
            lookAlike: "sk-learn-is-a-library-for-python"),
        SecretFormat(
            "Hugging Face", "hf_", .alphanumeric, 30, source: "Hugging Face docs: access tokens",
            match: "zUeoIMvghIyPdBjWIBqqMlcGuYhGxAGxHM",
            lookAlike: "hf_hub_download_of_a_large_model"),
        SecretFormat(
            "Hugging Face organization", "api_org_", .alphanumeric, 30, source: "Hugging Face docs: access tokens",
            match: "HFnkvADhrCIvsgwwkFevRbMdSpMcDzrjTA",
            lookAlike: "api_org_settings"),
        SecretFormat(
            "Replicate", "r8_", .alphanumeric, 30, source: "Replicate docs: API tokens",
            match: "wP6nzhOn3Ioi3WUgWlQ41XJvcqNMwsMp2JFaX",
            lookAlike: "r8_engine"),
        SecretFormat(
            "Perplexity", "pplx-", .alphanumeric, 40, source: "gitleaks",
            match: "Q18RAl5NnBrXs7QloJAiMORIoyUKCWUEnojU1scp3pYhEfkE",
            lookAlike: "pplx-online"),
        SecretFormat(
            "Groq", "gsk_", .alphanumeric, 40, source: "Groq docs: API keys",
            match: "pu2wM7H6VJw8O30rhVzXeBP2IohALMVRTTubtbRGTpEdP2LRzXlq",
            lookAlike: "gsk_group"),
        SecretFormat(
            "xAI", "xai-", .alphanumeric, 60, source: "xAI docs: API keys",
            match: "DPSAIE00Cm0d0i0sGcv1McR6sbDTXJNmTXrL8fVdrdLa3dFTaGVFunW8OllRl5Iw6Cdh1I2IGptRxp1K",
            lookAlike: "xai-explained"),
        SecretFormat(
            "Cohere and Writer", "co_", .alphanumeric, 40, upTo: 44, source: "Cohere docs: API keys",
            match: "XhawDePiJUxkbEwaSUerQSZCknvhwFaY2ruoVE35",
            lookAlike: "co_worker"),
    ]

    static let monitoringAndWork: [SecretFormat] = [
        SecretFormat(
            "New Relic user", "NRAK-", .upperAlphanumeric, 24, source: "New Relic docs: API keys",
            match: "HRP6RH8LANLPXMEY4T82TGMBFY0",
            lookAlike: "NRAK-KEY"),
        SecretFormat(
            "New Relic browser", "NRJS-", .hex, 19, source: "New Relic docs: API keys",
            match: "edd606ddcbb5eb41e62",
            lookAlike: "NRJS-agent"),
        SecretFormat(
            "New Relic insert", "NRII-", .base64URL, 30, source: "New Relic docs: API keys",
            match: "gxOZpuaXVnDUJV_3Dgeias-_KcdM9efO",
            lookAlike: "NRII-insert-events-with-this-prefix-here"),
        SecretFormat(
            "New Relic query", "NRIQ-", .base64URL, 30, source: "New Relic docs: API keys",
            match: "ENY4LyHb2rVZj_JZHSVCknVvoxqBCaR9",
            lookAlike: "NRIQ-query-events-with-this-prefix-here"),
        SecretFormat(
            "Grafana service account", "glsa_", .base64URL, 32, source: "Grafana docs: service accounts",
            match: "n8pVkaYw9hW9d9YOTgGbzIQpfQ5H38BH_dfab1354",
            lookAlike: "glsa_list"),
        SecretFormat(
            "Grafana Cloud", "glc_", .token, 32, source: "Grafana docs: Cloud tokens",
            match: "GrYBrIrHJxzpFC5mw4pmAheArIDRiepKHCF+zwhL63Awbyae5/+hzyuY2KZQlgon",
            lookAlike: "glc_class"),
        SecretFormat(
            "Sentry organization", "sntrys_", .token, 40, source: "Sentry docs: auth tokens",
            match:
                "eyJpYXQiOU6rZBc3ejzTJLQ3QjiaGY0iwDluE0q34EQvIxJcS/kwuEQNstD1/StaeagvhJfKaOFvq+eM4PLH1PAdn1oJNt9rr9t_Be2WuTEQKlnc0+IG1y1/JgKMeKXcMjPAzuKn2RRoeMy",
            lookAlike: "sntrys_docs"),
        SecretFormat(
            "Sentry user", "sntryu_", .hex, 60, source: "Sentry docs: auth tokens",
            match: "2806905058fe39d6ff1bf7cd72dacc57fbdca9ccdda462e8848ad4873463b9ca",
            lookAlike: "sntryu_docs"),
        SecretFormat(
            "Dynatrace", "dt0c01.", .dotted, 60, source: "Dynatrace docs: tokens",
            match: "ZG2NQSPBM1COVJFAJ5SYT1RH.P35TC5RDCBM6JR4BEG3MI1SL4IA9K05XP5ZYFYIOX40DA9M7S0E896Z0XCI7TWGC",
            lookAlike: "dt0c01.html"),
        SecretFormat(
            "LaunchDarkly server", "sdk-", .hexAndHyphen, 36, upTo: 36, .none, source: "LaunchDarkly docs: SDK keys",
            match: "ce404cfa-6197-7a62-5ef1-9743ec918e52",
            lookAlike: "sdk-for-swift"),
        SecretFormat(
            "LaunchDarkly mobile", "mob-", .hexAndHyphen, 36, upTo: 36, .none, source: "LaunchDarkly docs: SDK keys",
            match: "e30d7344-48f7-90d4-6070-4d3e212a7faa",
            lookAlike: "mob-programming"),
        SecretFormat(
            "LaunchDarkly API", "api-", .hexAndHyphen, 36, upTo: 36, .none, source: "LaunchDarkly docs: access tokens",
            match: "ff395bf0-27c4-5f3c-eee7-1022634d7deb",
            lookAlike: "api-reference"),
        SecretFormat(
            "Linear", "lin_api_", .alphanumeric, 40, source: "Linear docs: API keys",
            match: "KlXPEswXhS81GvMKj5OkFnR2IG2UwQQHENREmPDR",
            lookAlike: "lin_api_docs"),
        SecretFormat(
            "Linear OAuth", "lin_oauth_", .alphanumeric, 40, source: "Linear docs: OAuth",
            match: "f61bed369d83924c585f2c1c88bc87cb36742907003e12846ecb78c2a7ff9fd9",
            lookAlike: "lin_oauth_docs"),
        SecretFormat(
            "Postman", "PMAK-", .hexAndHyphen, 50, .none, source: "Postman docs: API keys",
            match: "40fdad27b115048da206e092-3d7695e8ed5846db63a40e6b8ab59584a6",
            lookAlike: "PMAK-docs"),
        SecretFormat(
            "Notion", "ntn_", .alphanumeric, 40, source: "Notion docs: authorization",
            match: "09871789120iDW6EbMAENtjcNBLsIr4jo5oVPUrcg5NYTG",
            lookAlike: "ntn_news"),
        SecretFormat(
            "Notion internal", "secret_", .alphanumeric, 40, upTo: 50, source: "Notion docs: authorization",
            match: "ybarXXsXJtFnzYhZafG7clTri7ZJp3iOJ3rELcMKAMG",
            lookAlike: "secret_garden"),
        SecretFormat(
            "Airtable", "pat", .dotted, 79, upTo: 79, source: "Airtable docs: tokens",
            match: "VjKZjxLGZfEXsH.b45a382269c75c07dad4698270f3ad2e11eb0b3c6a394c0b5288afb95e45f48e",
            lookAlike: "patient"),
        SecretFormat(
            "Figma", "figd_", .base64URL, 38, source: "Figma docs: access tokens",
            match: "YkQ7FrnYFazFHeOBSkBWJDlLRrJPL32D7M2X1Ol5",
            lookAlike: "figd_prefix"),
        SecretFormat(
            "Typeform", "tfp_", .base64URL, 40, source: "Typeform docs: access tokens",
            match: "NwHtnXWrmqJ40cdZL9eDo5D5QJQfGcsEryE7HixNJxaq_dAquSdHw4xc2fQ",
            lookAlike: "tfp_list"),
        SecretFormat(
            "Asana", "0/", .hex, 32, upTo: 32, source: "Asana docs: access tokens",
            match: "aecdb3aa427124ec8bbbfd2a53df28ed",
            lookAlike: "0/0"),
        SecretFormat(
            "Intra 42", "s-s4t2", .base64URL, 60, source: "gitleaks",
            match: "ud-78dac60c39381671abf966a97238a8177f2b931f1e9d3282b4ed74008d919045",
            lookAlike: "s-s4t2ud"),
        SecretFormat(
            "ReadMe", "rdme_", .alphanumeric, 60, source: "gitleaks",
            match: "p56ltcn63fj86aatk4hsq640hhp34whspfs9v79mjzrqk37m2bxb4y4r9opkofb6rzsklp",
            lookAlike: "rdme_docs"),
        SecretFormat(
            "Frame.io", "fio-u-", .dotted, 60, source: "gitleaks",
            match: "5HNQ38vYV4P9xTJH7LDbJk6B4vPGbtZYYDvL1dreNRyrw2hHLoCwf5iWpqaaFL0D",
            lookAlike: "fio-u-docs"),
        SecretFormat(
            "Adobe client", "p8e-", .alphanumeric, 32, source: "gitleaks",
            match: "q6yz9j5ieu4oboxpxljf2k1n62myerw6",
            lookAlike: "p8e-list"),
        SecretFormat(
            "Adafruit", "aio_", .alphanumeric, 28, upTo: 28, source: "Adafruit docs: API keys",
            match: "0BfVRUfZaqU5fnulv1HOngEtaONJ",
            lookAlike: "aio_cooler"),
        SecretFormat(
            "1Password secret key", "A3-", .base64URL, 30, source: "1Password docs: Secret Key",
            match: "D5Z4ZX-FHUIWT-3V4NB-90HGJ-KQGH7-5YKXM",
            lookAlike: "A3-paper"),
        SecretFormat(
            "1Password service account", "ops_", .token, 60, source: "1Password docs: service accounts",
            match: "eyJMLoF1ci/83ZeMRl98mZ4QtjY3NbjTBIgpy6b/ugEMAo/aKGsWLwlSzBgSvy1ps+VyjSeMow8",
            lookAlike: "ops_team"),
        SecretFormat(
            "SettleMint", "sm_aat_", .alphanumeric, 16, source: "gitleaks",
            match: "aJP1EMXhXxQ1wy7n",
            lookAlike: "sm_aat_list"),
        SecretFormat(
            "Harness", "pat.", .dotted, 60, source: "gitleaks",
            match: "VqOMw5LlSu8knfSUD3jzap.9SQBOqPukFNpOFPI83U64yuU.JRvDef9FF1U5UrXq7eat",
            lookAlike: "pat.html"),
        SecretFormat(
            "Mapbox", "sk.eyJ", .dotted, 40, source: "Mapbox docs: access tokens",
            match: "1Ijoie3rBraGBP7iaU5LIX7owcvs94MQbAFkDwctBFNYmuxKavNfRXctnvS8mFxpg.fO9l5qIg8BXdxUZbqjPCNr",
            lookAlike: "sk.eyJ"),
    ]

    static let socialNetworks: [SecretFormat] = [
        SecretFormat(
            "Facebook", "EAAC", .alphanumeric, 40, source: "Facebook docs: access tokens",
            match: "EdEose0cBACLsjeuaRqaJrueJICELh8jVWtiOqRPZqTgWRl5Ec8Za57eOMDlrgw5fU9L7KtbV8RCm5dH9K",
            lookAlike: "EAACH"),
        SecretFormat(
            "Facebook page", "EAAM", .alphanumeric, 40, source: "gitleaks",
            match: "Y3XTZOjL5FVcpdDHx6NJIys2v6jYJYYh1oeCzWJbxSbzpZQ8ESW3bMMA6X2TQtUNTtpDfTB7",
            lookAlike: "EAAMB"),
        SecretFormat(
            "Facebook graph", "EAAG", .alphanumeric, 40, source: "Facebook docs: access tokens",
            match: "m5z7RX60kiycv34Qb3KcUvf1DJhgbFW3eUtbodBDZfdHHCDO9mEhoyFEmdJwqqQbmzurXVMz",
            lookAlike: "EAAGE"),
        SecretFormat(
            "Instagram", "IGQV", .base64URL, 60, source: "Instagram docs: access tokens",
            match: "wkWoKn4-sxfKHVMKNNu__e7WtqyEphclhdf5Il8URshgh78qVwM_sVCzJfPLDwyex7JuhEZA",
            lookAlike: "IGQVs"),
        SecretFormat(
            "Twitter bearer", "AAAAAAAAAAAAAAAAAAAAA", .base64URL, 30, source: "Twitter docs: bearer tokens",
            match: "A9I0o5LH0_q1U78xINWLvtcIW4TLm8mRZFW3-VKapM2lLv5Xpz8li07jZYlWxkDPAASakj",
            lookAlike: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        SecretFormat(
            "LinkedIn", "AQV", .base64URL, 60, source: "LinkedIn docs: OAuth",
            match: "eGsKEz1sO7AkMhe24ySwjIVXQngoOAnkQncBvcjuN-ZjcPG5z_H8cwOx-13jD1DW1fO264-I",
            lookAlike: "AQVs"),
    ]

    static let keysInFiles: [SecretFormat] = [
        SecretFormat(
            "age", "AGE-SECRET-KEY-1", .upperAlphanumeric, 58, .none, source: "age specification",
            match: "NKXSNCUTJ2KTDF26MZGWTUK3QT6U0ZSTJEL2CL5SN25WF5TNCFCK4AQZ4G",
            lookAlike: "AGE-SECRET-KEY-1")
    ]
}
