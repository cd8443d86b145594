import SparrowCore

/// Reading and writing ONNX model files.
///
/// Reading maps the file: weights kept as `raw_data` are used in place. Every operator set
/// is lifted to the newest form, that of ``Op``. Writing lowers what Sparrow adds (fused
/// activations, a convolution's addend, a matrix product's bias) to plain ONNX nodes.
public enum ONNX {
  /// The operator set of written files, unless an operator needs a newer one.
  public static let writtenOpset = 21

  /// The IR version of files of an operator set.
  static func irVersion(of opset: Int) -> Int64 {
    switch opset {
    case ...22: 10
    case 23: 11
    case 24: 12
    case 25...27: 13
    default: 14
    }
  }

  /// The version of another operator set than ONNX's own in written files.
  static func writtenDomainVersion(_ domain: String) -> Int64 { domain == "ai.onnx.ml" ? 5 : 1 }

  /// `producer_name` of written files.
  static let producer = "sparrow"

  /// Reads the model at `path`. External data must lie in the same folder or below.
  public static func read(_ path: String) throws(FormatError) -> Graph {
    let region: Region
    do {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    return try read(Bytes(region), file: path, folder: folder(of: path))
  }

  /// Reads one tensor: a file that holds ONNX's TensorProto message, as those of its test sets do.
  /// External data must lie in the same folder or below.
  public static func readTensor(_ path: String) throws(FormatError) -> Tensor {
    let region: Region
    do throws(FileError) {
      region = try Region(mapping: path)
    } catch {
      throw .file(error)
    }
    return try parseTensor(Bytes(region), file: path, folder: folder(of: path))
  }

  /// Reads a tensor message that is in memory already, with the parameters of ``read(_:file:folder:)``.
  static func parseTensor(
    _ bytes: Bytes, file: String = "the tensor", folder: String? = nil
  ) throws(FormatError) -> Tensor {
    let source = WireSource(file: file, bytes: bytes)
    try source.check(bytes.count, ONNXLimits.fileBytes, "the size of the message", at: nil)
    let message = try TensorMessage(WireMessage(source, "the tensor"))
    var decoder = TensorDecoder(source: source, external: ExternalData(folder: folder))
    return try decoder.tensor(message)
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Reads a model from memory.
  ///
  /// - Parameters:
  ///   - file: what messages call it.
  ///   - folder: where external data may lie; nil where the model may have none.
  public static func read(
    _ bytes: Bytes, file: String = "model", folder: String? = nil
  ) throws(FormatError) -> Graph {
    guard bytes.count <= ONNXLimits.fileBytes else {
      throw .unsupported(
        file: file, offset: nil,
        reason: "the file has \(bytes.count) bytes, and protobuf messages end at "
          + "\(ONNXLimits.fileBytes): keep the weights in an external data file")
    }
    let source = WireSource(file: file, bytes: bytes)
    let model = try ModelMessage(source)
    guard let message = model.graph else {
      throw source.malformed(nil, "it holds no graph: is it an ONNX model?")
    }
    let importer = try GraphImporter(source, model, message, folder: folder)
    return try importer.graph()
  }
}
