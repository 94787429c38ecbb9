// Re-exports the system's C library under one name. Internal: clients of the products do not see it.

#if canImport(Darwin)
    @_exported import Darwin
#elseif canImport(Musl)
    @_exported import Musl
#else
    @_exported import Glibc
#endif
