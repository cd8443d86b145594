import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFiles

@Suite struct AtomicFileTests {
  @Test func appearsOnCommitAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("file")
    do {
      let file = try AtomicFile(path)
      try file.write([1, 2, 3])
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    #expect(folder.contents.isEmpty)
    let file = try AtomicFile(path)
    try file.write([4, 5])
    try file.commit()
    #expect(folder.contents == ["file"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([4, 5]))
  }

  /// A pipe is written to; it is not replaced by a file.
  @Test func pipesAreWrittenTo() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    // Opened for both, so that neither side waits for the other.
    let reader = open(path, O_RDWR)
    defer { close(reader) }
    let file = try AtomicFile(path)
    try file.write([7, 8, 9])
    try file.commit()
    var bytes = [UInt8](repeating: 0, count: 3)
    #expect(read(reader, &bytes, 3) == 3 && bytes == [7, 8, 9])
    var info = stat()
    #expect(stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFIFO)
    #expect(folder.contents == ["pipe"])
  }
}
