import SparrowCore
import SparrowFormats
import SparrowHost

/// Reads the tensor that `FILE.npy`, `FILE.npz:KEY` or `FILE.pb` (one ONNX TensorProto) names.
public func loadTensor(_ location: String) throws(SparrowError) -> Tensor {
  do throws(FormatError) {
    if location.hasSuffix(".pb") { return try ONNX.readTensor(location) }
    if let tensor = try loadArray(location) { return tensor }
    throw .unsupported(
      file: location, offset: nil, reason: "expected FILE.npy, FILE.npz:KEY or FILE.pb")
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
