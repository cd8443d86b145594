import Foundation
import SparrowCore
import SparrowFormats
import SparrowTestSupport
import Testing

/// Files of one TensorProto, as ONNX's test sets keep inputs and outputs.
@Suite struct ONNXTensorFileTests {
  private func read(_ parts: [Proto]) throws -> Tensor {
    let folder = try TemporaryFolder()
    try Data(Proto(parts).bytes).write(to: folder.url.appending(path: "x.pb"))
    return try ONNX.readTensor(folder.path("x.pb"))
  }

  private func message(_ parts: [Proto]) -> String {
    do {
      _ = try read(parts)
      return ""
    } catch let error as FormatError {
      return error.message
    } catch {
      return "\(error)"
    }
  }

  @Test func rawDataIsRead() throws {
    let found = try read(Proto.head("x", [2, 2]) + [.data(9, Proto.littleEndian([1, -2, 3, 4]))])
    #expect(found == Tensor([Float(1), -2, 3, 4], shape: [2, 2]))
  }

  @Test func typedFieldsAreRead() throws {
    let found = try read(Proto.head("x", type: 16, [2]) + [.packed(5, [0x3f80, 0xc000])])
    let bits = Bytes(copying: [UInt16(0x3f80), 0xc000])
    #expect(found == Tensor(dtype: .bfloat16, shape: [2], bytes: bits))
    #expect(try read(Proto.head("", type: 9, []) + [.int(5, 1)]) == Tensor(scalar: true))
  }

  @Test(arguments: [
    ([] as [Proto], "the tensor has undefined elements: not supported"),
    (Proto.head("x", type: 8, [1]) + [.text(6, "a")], "tensor 'x' has string elements"),
    (Proto.head("x", [3]) + [.data(9, [0, 0, 0, 0])], "tensor 'x' holds 4 bytes"),
    ([.data(1, [0x80])], "are damaged"),
  ])
  func otherFilesAreRefused(parts: [Proto], expected: String) {
    let text = message(parts)
    #expect(text.contains("x.pb: ") && text.contains(expected), "\(text)")
  }

  @Test func aMissingFileIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(throws: FormatError.self) { try ONNX.readTensor(folder.path("no.pb")) }
  }
}
