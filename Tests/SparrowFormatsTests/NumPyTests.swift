import Foundation
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowFiles

/// A npy file made by hand: header text and elements.
private func npy(
  _ header: String, _ elements: [UInt8], version: [UInt8] = [1, 0], magic: String = "NUMPY"
) -> Bytes {
  let text = Array((header + "\n").utf8)
  let length = version[0] == 1 ? littleEndian(UInt16(text.count)) : littleEndian(UInt32(text.count))
  return Bytes(copying: [0x93] + Array(magic.utf8) + version + length + text + elements)
}

private func header(_ descr: String, _ shape: String, fortran: Bool = false) -> String {
  "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
}

private func message(of body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch let error as FormatError {
    return error.message
  } catch {
    return "\(error)"
  }
}

@Suite struct NPYTests {
  static let types = DType.allCases.filter { !$0.isSmall }
  static let shapes: [[Int]] = [[], [0], [1], [7], [2, 3], [2, 0, 3], [2, 3, 4, 5]]

  /// npy has no name for them: they are written as bytes, for `array.view` with the right type.
  @Test(arguments: DType.allCases.filter { $0.isSmall })
  func smallTypesAreWrittenAsBytes(dtype: DType) throws {
    let folder = try TemporaryFolder()
    try NPY.write(Tensor(dtype, [3], words: [1, 2, 3]), to: folder.path("a.npy"))
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.path("a.npy"))))
    #expect(String(decoding: bytes.prefix(64), as: UTF8.self).contains("'|V1'"))
    #expect(bytes.suffix(3) == [1, 2, 3])
  }

  @Test(arguments: types, shapes)
  func arraysReadBackAsWritten(dtype: DType, shape: [Int]) throws {
    let folder = try TemporaryFolder()
    let tensor = sparseTensor(dtype, shape, density: 0.5, seed: 11)
    try NPY.write(tensor, to: folder.path("a.npy"))
    #expect(try NPY.read(folder.path("a.npy")) == tensor)
  }

  @Test func sparseTensorsAreWrittenDense() throws {
    let folder = try TemporaryFolder()
    let tensor = sparseTensor(.float32, [8, 9], density: 0.2, seed: 2)
    try NPY.write(tensor.stored(.bitmask), to: folder.path("a.npy"))
    #expect(try NPY.read(folder.path("a.npy")) == tensor)
  }

  @Test(arguments: [[1, 0], [2, 0], [3, 0]] as [[UInt8]])
  func everyVersionIsRead(version: [UInt8]) throws {
    let bytes = npy(header("<i2", "(2,)"), [1, 0, 2, 0], version: version)
    #expect(try NPY.parse(bytes) == Tensor([Int16(1), 2]))
  }

  @Test func longHeadersAreWrittenAndRead() throws {
    // A text of more than 65,535 bytes cannot come from a shape that is read back; it is long.
    let long = [Int](repeating: 1, count: 30_000)
    let header = NPYHeader.encode(.uint8, long)
    #expect(header[6] == 2 && header.count % 64 == 0)
  }

  @Test func columnMajorArraysAreTransposed() throws {
    let bytes = npy(header("|u1", "(2, 3)", fortran: true), [1, 4, 2, 5, 3, 6])
    #expect(try NPY.parse(bytes) == Tensor([UInt8(1), 2, 3, 4, 5, 6], shape: [2, 3]))
    let cube = npy(header("|u1", "(2, 3, 2)", fortran: true), (0..<12).map { $0 })
    let expected: [UInt8] = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]
    #expect(try NPY.parse(cube) == Tensor(expected, shape: [2, 3, 2]))
    let vector = npy(header("|u1", "(2,)", fortran: true), [1, 4])
    #expect(try NPY.parse(vector) == Tensor([UInt8(1), 4]))
  }

  @Test func bigEndianArraysAreSwapped() throws {
    let integers = npy(header(">i4", "(2,)"), [0, 0, 1, 2, 0xff, 0xff, 0xff, 0xfe])
    #expect(try NPY.parse(integers) == Tensor([Int32(258), -2]))
    let floats = npy(header(">f8", "()"), [0x3f, 0xf8, 0, 0, 0, 0, 0, 0])
    #expect(try NPY.parse(floats) == Tensor(scalar: 1.5))
    let native = npy(header("=i2", "(1,)"), [1, 2])
    #expect(try NPY.parse(native) == Tensor([Int16(513)]))
  }

  @Test func headersMayBeSpelledOtherwise() throws {
    let text = "{ \"shape\":(1,2,),'descr':\"<u2\" ,\n 'fortran_order':False}   "
    #expect(try NPY.parse(npy(text, [1, 0, 2, 0])) == Tensor([UInt16(1), 2], shape: [1, 2]))
  }

  static let malformed: [(String, Bytes, String)] = [
    ("empty", Bytes(copying: [UInt8]()), "the npy magic string"),
    ("other magic", npy(header("<f4", "()"), [], magic: "NUMPZ"), "not a npy array"),
    ("version", npy(header("<f4", "()"), [], version: [4, 0]), "npy version 4.0 is unknown"),
    ("no elements", npy(header("<f4", "(2,)"), [0, 0, 0]), "5 more bytes of elements"),
    ("more elements", npy(header("<f4", "()"), [0, 0, 0, 0, 9]), "1 bytes follow the array"),
    (
      "absurd header size",
      Bytes(copying: [0x93] + Array("NUMPY".utf8) + [2, 0, 0xff, 0xff, 0xff, 0xff]),
      "header's length is 4294967295, more than the limit"
    ),
    (
      "cut header", Bytes(copying: [0x93] + Array("NUMPY".utf8) + [1, 0, 80, 0, 0x7b]),
      "the npy header"
    ),
    ("objects", npy(header("|O", "(1,)"), [0]), "element type '|O' are not supported"),
    ("no order", npy(header("f4", "(1,)"), [0]), "'f4' has no byte order"),
    (
      "records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", []),
      "a string is expected"
    ),
    ("overflow", npy(header("<f8", "(4294967296, 4294967296)"), []), "is too large"),
    ("large length", npy(header("<f8", "(99999999999999999999,)"), []), "a length from 0"),
    ("negative", npy(header("<f8", "(-1,)"), []), "a length from 0"),
    ("axes", npy(header("|u1", "(" + String(repeating: "1,", count: 65) + ")"), [1]), "64 axes"),
    ("twice", npy("{'descr': '<f4', 'descr': '<f4'}", []), "'descr' is unknown or given twice"),
    ("unknown key", npy("{'depth': '<f4'}", []), "'depth' is unknown or given twice"),
    ("missing", npy("{'descr': '<f4', 'shape': ()}", []), "is missing"),
    ("no bool", npy("{'fortran_order': 0}", []), "True or False is expected"),
    ("no end", npy("{'descr': '<f4", []), "a string does not end"),
    ("no brace", npy("'descr'", []), "'{' is expected"),
    ("no comma", npy("{'descr': '<f4' 'shape'", []), "'}' is expected"),
    ("no tuple", npy("{'shape': 3}", []), "'(' is expected"),
    ("text after", npy(header("|u1", "()") + "x", [1]), "text follows the dictionary"),
  ]

  @Test(arguments: malformed.indices)
  func malformedArraysAreRefused(index: Int) {
    let (name, bytes, expected) = Self.malformed[index]
    let text = message { _ = try NPY.parse(bytes, file: "a.npy") }
    #expect(text.hasPrefix("a.npy: at byte ") && text.contains(expected), "\(name): \(text)")
  }

  @Test(arguments: ["<V2", "|V2"])
  func bfloat16HasTheFormOfMLDTypes(descr: String) throws {
    let tensor = Tensor(dtype: .bfloat16, shape: [2], bytes: Bytes(copying: [UInt16(0x3f80), 1]))
    #expect(try NPY.parse(npy(header(descr, "(2,)"), [0x80, 0x3f, 1, 0])) == tensor)
    let text = String(decoding: NPYHeader.encode(.bfloat16, [2]).dropFirst(10), as: UTF8.self)
    #expect(text.hasPrefix("{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }"))
  }

  @Test func aMissingFileIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(message { _ = try NPY.read(folder.path("a.npy")) }.contains("cannot open"))
  }
}
