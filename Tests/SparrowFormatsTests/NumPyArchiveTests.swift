import Foundation
import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

@testable import SparrowFiles

@Suite struct NPZTests {
  /// A few arrays, one of which deflates and one of which does not.
  static func arrays() -> [(String, Tensor)] {
    [
      ("x", randomFloats([16], seed: 1)), ("labels", Tensor([Int64](repeating: 7, count: 100))),
      ("../é", Tensor(scalar: Float(1.5))), ("empty", Tensor([Float](), shape: [0, 3])),
    ]
  }

  /// The bytes of an archive of ``arrays()``.
  static func archive(_ compression: NPZ.Compression = .deflated) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try NPZ.write(arrays(), to: folder.path("a.npz"), compression: compression)
    return Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("a.npz"))))
  }

  private func message(_ file: [UInt8], array: String = "labels") -> String {
    do throws(FormatError) {
      let archive = try NPZArchive(bytes: Bytes(copying: file), file: "a.npz")
      _ = try archive.tensor(named: array)
      return ""
    } catch {
      return error.message
    }
  }

  /// The offset of the nth place where `bytes` stand.
  private func offset(of bytes: [UInt8], in file: [UInt8], nth: Int = 0) throws -> Int {
    let places = file.indices.filter { file[$0...].starts(with: bytes) }
    return try #require(places.count > nth ? places[nth] : nil)
  }

  private func replacing(
    _ file: [UInt8], _ offset: Int, _ bytes: [UInt8]
  ) -> [UInt8] {
    var file = file
    file.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    return file
  }

  @Test(arguments: [NPZ.Compression.stored, .deflated])
  func archivesReadBackAsWritten(compression: NPZ.Compression) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.npz")
    try NPZ.write(Self.arrays(), to: path, compression: compression)
    let archive = try NPZArchive(path: path)
    #expect(archive.names == Self.arrays().map(\.0))
    for (name, tensor) in Self.arrays() { #expect(try archive.tensor(named: name) == tensor) }
    #expect(
      try Self.archive(compression) == Array(try Data(contentsOf: URL(fileURLWithPath: path))))
  }

  @Test func anEmptyArchiveReadsBack() throws {
    let folder = try TemporaryFolder()
    try NPZ.write([], to: folder.path("a.npz"))
    #expect(try NPZArchive(path: folder.path("a.npz")).names.isEmpty)
  }

  @Test func namesMustBeUsable() throws {
    let folder = try TemporaryFolder()
    let one = Tensor(scalar: Float(1))
    for names in [[""], ["a", "a"], [String(repeating: "n", count: 70_000)]] {
      #expect(throws: FormatError.self) {
        try NPZ.write(names.map { ($0, one) }, to: folder.path("a.npz"))
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func anUnknownNameIsRefusedWithTheKnownOnes() throws {
    let text = message(try Self.archive(), array: "y")
    #expect(text == "a.npz: there is no array 'y'; the archive has 'x', 'labels', '../é', 'empty'")
  }

  @Test func otherFilesAreRefused() throws {
    #expect(message([]).contains("this is not a zip archive"))
    #expect(message([UInt8](repeating: 0x50, count: 100)).contains("this is not a zip archive"))
    #expect(message(try Self.archive() + [0]).contains("this is not a zip archive"))
    #expect(throws: FormatError.self) { try NPZArchive(path: "no such folder/a.npz") }
  }

  @Test func damagedArraysAreRefused() throws {
    let file = try Self.archive(.stored)
    let elements = try offset(of: littleEndian(Int64(7)), in: file)
    #expect(message(replacing(file, elements, [8])).contains("'labels': its checksum is wrong"))
    let magic = try offset(of: [0x93, 0x4e], in: file, nth: 1)
    #expect(message(replacing(file, magic, [0])).contains("'labels': this is not a npy array"))
  }

  @Test func damagedDirectoriesAreRefused() throws {
    let file = try Self.archive()
    let entry = try offset(of: [0x50, 0x4b, 1, 2], in: file, nth: 1)
    func changed(_ field: Int, _ bytes: [UInt8]) -> String {
      message(replacing(file, entry + field, bytes))
    }
    #expect(changed(0, [0]).contains("a zip directory entry is expected"))
    #expect(changed(8, [1]).contains("is encrypted"))
    #expect(changed(10, [12]).contains("compression method 12"))
    #expect(changed(16, [0xaa, 0xaa]).contains("its checksum is wrong"))
    #expect(changed(20, [0xff, 0xff, 0xff, 0x7f]).contains("more bytes of the entry"))
    #expect(changed(24, [0xff, 0xff, 0xff, 0x7f]).contains("its shape [100] takes"))
    #expect(changed(42, [0xff, 0xff, 0xff, 0x7f]).contains("outside the file"))
    #expect(changed(42, [1]).contains("has no local header here"))
    #expect(changed(46, [0x61]).contains("has another name"))
    #expect(changed(46, [0xff]).contains("not valid UTF-8"))
    #expect(changed(20, [255, 255, 255, 255]).contains("'labels.npy' has no ZIP64 sizes"))
  }

  @Test func entriesMayNotBeListedTwiceOrOverlap() throws {
    let folder = try TemporaryFolder()
    let tensor = Tensor([Float](repeating: 1, count: 100))
    try NPZ.write([("a", tensor), ("b", tensor)], to: folder.path("a.npz"), compression: .stored)
    let file = Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("a.npz"))))
    let first = try offset(of: [0x50, 0x4b, 1, 2], in: file)
    let second = try offset(of: [0x50, 0x4b, 1, 2], in: file, nth: 1)
    let same = replacing(file, second, Array(file[first..<second]))
    #expect(message(same, array: "a").contains("'a.npy' is listed twice"))
    var overlap = replacing(file, second + 42, [0, 0, 0, 0])
    let local = try offset(of: Array("a.npy".utf8), in: overlap)
    overlap[local] = UInt8(ascii: "b")
    overlap[first + 46] = UInt8(ascii: "b")
    overlap[second + 46] = UInt8(ascii: "b")
    #expect(message(overlap, array: "b").contains("twice"))
    // The first entry reaches into the second.
    let size = littleEndian(UInt32(file[..<first].count - 100))
    #expect(message(replacing(file, first + 20, size), array: "a").contains("overlap"))
  }

  @Test func theEndRecordMustFitTheFile() throws {
    let file = try Self.archive()
    let end = file.count - 22
    #expect(
      message(replacing(file, end + 16, [0xff, 0xff, 0xff, 0x7f])).contains("outside the file"))
    #expect(message(replacing(file, end + 8, [9])).contains("archives of several parts"))
    let many = replacing(file, end + 8, [0xff, 0, 0xff, 0])
    #expect(message(many).contains("the number of zip entries"))
  }

  @Test func largeArchivesUse64BitRecords() throws {
    // 70,000 entries need the ZIP64 end record; sizes beyond 4 GiB are not for tests.
    let folder = try TemporaryFolder()
    let one = Tensor(scalar: UInt8(1))
    let arrays = (0..<70_000).map { ("a\($0)", one) }
    try NPZ.write(arrays, to: folder.path("a.npz"), compression: .stored)
    let archive = try NPZArchive(path: folder.path("a.npz"))
    #expect(archive.names.count == 70_000)
    #expect(try archive.tensor(named: "a69999") == one)
  }

  @Test func largeSizesAreReadFromTheExtraField() throws {
    // One stored entry whose sizes and offset all stand in the ZIP64 extra field.
    let npy = NPYHeader.encode(.uint8, [3]) + [1, 2, 3]
    let crc = littleEndian(Zlib.crc32(Bytes(copying: npy)))
    let size = littleEndian(UInt64(npy.count))
    let ones = [UInt8](repeating: 0xff, count: 4)
    let common = [45, 0, 0, 0, 0, 0, 0, 0, 0, 0] + crc + ones + ones + [5, 0]
    let name = Array("a.npy".utf8)
    var file: [UInt8] =
      [0x50, 0x4b, 3, 4] + common + [20, 0] + name + [1, 0, 16, 0] + size + size
    file += npy
    let directory = file.count
    file += [0x50, 0x4b, 1, 2, 45, 0] + common + [28, 0] + [UInt8](repeating: 0, count: 10) + ones
    file += name + [1, 0, 24, 0] + size + size + littleEndian(UInt64(0))
    let length = littleEndian(UInt32(file.count - directory))
    file += [0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0] + length + littleEndian(UInt32(directory))
    file += [0, 0]
    let archive = try NPZArchive(bytes: Bytes(copying: file))
    #expect(try archive.tensor(named: "a") == Tensor([UInt8(1), 2, 3]))
    let short = replacing(file, try offset(of: [1, 0, 24, 0], in: file), [9])
    #expect(message(short, array: "a").contains("a.npy"))
  }

  @Test func truncationIsAnError() throws {
    let file = try Self.archive()
    for count in 0..<file.count {
      #expect(throws: FormatError.self, "\(count) bytes") {
        try NPZArchive(bytes: Bytes(copying: Array(file[..<count])))
      }
    }
  }

  @Test(arguments: [NPZ.Compression.stored, .deflated])
  func flippedBytesDoNotCrash(compression: NPZ.Compression) throws {
    let seed: UInt64 = 77
    let file = try Self.archive(compression)
    var random = SeededGenerator(seed: seed)
    let expected = Self.arrays()
    for round in 0..<2000 {
      var damaged = file
      let offset = Int.random(in: 0..<file.count, using: &random)
      damaged[offset] ^= UInt8.random(in: 1...255, using: &random)
      guard let archive = try? NPZArchive(bytes: Bytes(copying: damaged)) else { continue }
      for name in archive.names {
        guard let tensor = try? archive.tensor(named: name) else { continue }
        // What is accepted is right: the damage was in a name, a date or the like.
        let isKnown = expected.contains { $0.1 == tensor }
        #expect(isKnown, "round \(round), byte \(offset), seed \(seed)")
      }
    }
  }
}

@Suite struct SharedDataTests {
  @Test(arguments: [
    ("digits", "x_test", DType.float32, [450, 8, 8]),
    ("cifar10-subset", "x_test", .uint8, [846, 3, 32, 32]),
    ("imagenet-sample-300", "x", .uint8, [300, 224, 224, 3]),
  ])
  func numpyArchivesAreRead(file: String, array: String, dtype: DType, shape: [Int]) throws {
    guard let path = Repository.shared("data/\(file).npz") else {
      print("skipped: no \(file).npz (set SPARROW_SHARED)")
      return
    }
    let tensor = try NPZArchive(path: path).tensor(named: array)
    #expect(tensor.dtype == dtype)
    #expect(tensor.shape == shape)
  }
}
