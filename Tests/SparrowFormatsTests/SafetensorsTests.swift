import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFormats

@Suite struct SafetensorsTests {
  private static let types = ElementName.allCases.map { $0.dtype }

  @Test(arguments: types, [[], [0], [3], [2, 3, 4]])
  func tensorsReadBackAsWritten(dtype: DType, shape: [Int]) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.safetensors")
    let tensor = sparseTensor(dtype, shape, density: 0.5, seed: 12)
    let flags = Tensor([true, false, true])
    let written = Safetensors(
      [("flags", flags), ("a/\"b\" \u{e9}", tensor), ("last", tensor)], metadata: ["format": "pt"])
    try written.write(to: path)
    let read = try Safetensors.read(path)
    #expect(read.metadata == ["format": "pt"])
    #expect(read["flags"] == flags)
    #expect(read["a/\"b\" \u{e9}"] == tensor)
    #expect(read["last"] == tensor)
    #expect(read.tensors.count == 3)
  }

  /// The bytes that the specification asks for.
  @Test func theFileIsAsSpecified() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.safetensors")
    try Safetensors([("w", Tensor([Float(1), 2], shape: [2, 1]))]).write(to: path)
    let found = try Data(contentsOf: URL(fileURLWithPath: path))
    let header = #"{"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2,1]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(found == Self.file(padded, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]))
  }

  @Test func namesAreUsedOnce() throws {
    let folder = try TemporaryFolder()
    let tensor = Tensor([Float(1)])
    let path = folder.path("a.safetensors")
    for names in [["a", "a"], ["__metadata__"]] {
      #expect(throws: FormatError.self) {
        try Safetensors(names.map { ($0, tensor) }).write(to: path)
      }
    }
    #expect(throws: FormatError.self) {
      try Safetensors([("a", Tensor(.int4, [1], words: [1]))]).write(to: path)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    var header: String
    var data = 8
    var says: String
    var testDescription: String { "\(header), \(data) bytes" }
  }

  static let damages = [
    Damage(header: "", says: "no JSON object"), Damage(header: "[]", says: "no JSON object"),
    Damage(header: #"{"a":"#, says: "no JSON object"),
    Damage(header: #"{"a":1}"#, says: "'a' is no JSON object"),
    Damage(header: #"{"__metadata__":{"a":1}}"#, data: 0, says: "no list of texts"),
    Damage(header: #"{"a":{"dtype":"F12","shape":[2],"data_offsets":[0,8]}}"#, says: "type 'F12'"),
    Damage(header: #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, says: "type 'none'"),
    Damage(header: #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, says: "no shape"),
    Damage(header: #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}"#, says: "no shape"),
    Damage(header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, says: "in order"),
    Damage(header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, says: "in order"),
    Damage(header: #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, says: "has 8 bytes"),
    Damage(
      header: #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
      says: "too large"),
    Damage(
      header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, says: "within the file"),
    Damage(
      header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, says: "expected from 0"),
    Damage(
      header:
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
      says: "expected from 8"),
    Damage(
      header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
      says: "4 bytes of data belong to no tensor"),
  ]

  @Test(arguments: damages) func damagedFilesAreRefused(damage: Damage) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.safetensors")
    let data = [UInt8](repeating: 0, count: damage.data)
    try Self.file(damage.header, data).write(to: URL(fileURLWithPath: path))
    expectRefusal(path, says: damage.says)
  }

  @Test func lengthsThatCannotBeAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.safetensors")
    for (bytes, says) in [
      ([UInt8](), "0 bytes"), ([1, 2, 3], "3 bytes"),
      ([9, 0, 0, 0, 0, 0, 0, 0, 1], "only 1 follow"),
      ([UInt8](repeating: 255, count: 16), "more than the limit"),
    ] {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      expectRefusal(path, says: says)
    }
  }

  /// Whatever single byte changes, a file is read or refused.
  @Test func changedBytesDoNoHarm() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.safetensors")
    try Safetensors([("a", Tensor([Float(1), 2])), ("b", Tensor([Int64(3)]))]).write(to: path)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for place in whole.indices {
      for value: UInt8 in [0, 0x22, 0x2d, 0x39, 0x5d, 0x7f, 0xff] {
        var bytes = whole
        bytes[place] = value
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        _ = try? Safetensors.read(path)
      }
    }
  }

  private func expectRefusal(_ path: String, says: String) {
    do {
      _ = try Safetensors.read(path)
      Issue.record("it was read")
    } catch {
      #expect(error.message.contains(says), "\(error.message)")
    }
  }

  private static func file(_ header: String, _ data: [UInt8]) -> Data {
    var bytes = ByteWriter()
    bytes.append(UInt64(header.utf8.count))
    return Data(bytes.bytes + Array(header.utf8) + data)
  }
}
