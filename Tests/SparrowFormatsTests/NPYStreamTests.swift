import SparrowCore
import Testing

@testable import SparrowFiles

@Suite struct NPYStreamTests {
  private static let arrays = [
    Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]), Tensor([Int64](), shape: [0]),
    Tensor(scalar: UInt8(7)),
  ]

  private static var bytes: [UInt8] {
    arrays.flatMap { NPY.header(of: $0) + NPY.elements(of: $0).array(of: UInt8.self) }
  }

  private func read(_ bytes: [UInt8]) throws(FormatError) -> [Tensor] {
    var rest = bytes[...]
    var stream = NPYStream(name: "the pipe")
    var found: [Tensor] = []
    while let tensor = try stream.next({ buffer in
      let part = rest.prefix(buffer.count)
      buffer.copyBytes(from: part)
      rest = rest.dropFirst(part.count)
      return part.count
    }) {
      found.append(tensor)
    }
    return found
  }

  @Test func arraysFollowOneAnother() throws {
    #expect(try read(Self.bytes) == Self.arrays)
    #expect(try read([]).isEmpty)
  }

  /// Cut at every byte: what is whole is read, and then either the stream ends or an error says where.
  @Test func cutStreamsAreTold() throws {
    let bytes = Self.bytes
    var ends = [0]
    for array in Self.arrays {
      let size = NPY.header(of: array).count + NPY.elements(of: array).count
      ends.append((ends.last ?? 0) + size)
    }
    for cut in 0..<bytes.count {
      if let whole = ends.firstIndex(of: cut) {
        #expect(try read(Array(bytes.prefix(cut))) == Array(Self.arrays.prefix(whole)))
      } else {
        #expect(throws: FormatError.self) { try read(Array(bytes.prefix(cut))) }
      }
    }
  }

  @Test func otherBytesAreRefused() {
    #expect(throws: FormatError.self) { try read(Array("no array at all, but text".utf8)) }
    var huge = NPY.header(of: Tensor([0] as [Float], shape: [1]))
    let place = huge.firstIndex(of: UInt8(ascii: "(")) ?? 0
    huge.replaceSubrange((place + 1)..<(place + 20), with: "99999999999999999, ".utf8)
    #expect(throws: FormatError.self) { try read(huge) }
  }
}
