import CLibrary
import DemoServer
import TrackerCGI
import TrackerCore

exit(DemoProgram.run(Array(CommandLine.arguments.dropFirst())))
