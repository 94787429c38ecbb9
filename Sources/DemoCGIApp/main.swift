import DemoServer
import TrackerCGI
import TrackerCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

exit(DemoProgram.run(Array(CommandLine.arguments.dropFirst())))
