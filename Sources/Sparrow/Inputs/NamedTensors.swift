import SparrowCore
import SparrowFormats

extension Model {
  /// The model's inputs in order, from named tensors; every name, type and shape is checked.
  public func inputs(
    named tensors: [(name: String, tensor: Tensor, source: String)]
  ) throws(SparrowError) -> [Tensor] {
    let types = try inputTypes()
    var found: [String: Tensor] = [:]
    for (name, tensor, source) in tensors {
      guard let declared = types.first(where: { $0.name == name })?.type else {
        throw .badInput(unknownInput(name))
      }
      guard found[name] == nil else { throw .badSetting("input '\(name)' is given twice") }
      try check(
        TensorType(tensor.dtype, shape: tensor.shape), against: declared, of: name, from: source)
      found[name] = tensor
    }
    var result: [Tensor] = []
    for (name, type) in types {
      guard let tensor = found[name] else {
        throw .badInput(
          "\(path): input '\(name)' (\(type.text)) is missing; give it with -i \(name)=FILE.npy")
      }
      result.append(tensor)
    }
    return result
  }

  /// The outputs' names, in order.
  public var outputNames: [String] { graph.outputs.map { graph[$0].name } }
}

/// Reads the tensor that `FILE.npy`, `FILE.npz:KEY` or `FILE.pb` (one ONNX TensorProto) names.
public func loadTensor(_ location: String) throws(SparrowError) -> Tensor {
  do throws(FormatError) {
    if location.hasSuffix(".npy") { return try NPY.read(location) }
    if location.hasSuffix(".pb") { return try ONNX.readTensor(location) }
    guard let range = location.range(ofLast: ".npz:") else {
      throw .unsupported(
        file: location, offset: nil, reason: "expected FILE.npy, FILE.npz:KEY or FILE.pb")
    }
    let file = String(location[..<range.lowerBound]) + ".npz"
    let key = String(location[range.upperBound...])
    let archive = try NPZArchive(path: file)
    guard archive.names.contains(key) else {
      let keys = archive.names.joined(separator: ", ")
      throw .unsupported(
        file: file, offset: nil, reason: "there is no array '\(key)'; it holds \(keys)")
    }
    return try archive.tensor(named: key)
  } catch {
    throw .format(error)
  }
}

/// Writes tensors by name to an `.npz` file: beside it, and renamed there when it is complete.
public func saveTensors(_ tensors: [(String, Tensor)], to path: String) throws(SparrowError) {
  do throws(FormatError) {
    try NPZ.write(tensors, to: path)
  } catch {
    throw .format(error)
  }
}

extension String {
  fileprivate func range(ofLast part: String) -> Range<String.Index>? {
    var start = endIndex
    while start > startIndex {
      start = index(before: start)
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
    }
    return nil
  }
}
