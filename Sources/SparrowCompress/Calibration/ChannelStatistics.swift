import SparrowCore

/// Mean and variance of each channel (axis 1) over all batches.
struct ChannelStatistics {
  var means: [Double]
  var variances: [Double]

  init(_ stream: ActivationStream, _ value: ValueID, channels: Int) throws(CompressError) {
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    var count = 0.0
    for batch in 0..<stream.batches {
      let tensor = try stream.value(value, batch: batch)
      guard tensor.dtype == .float32, tensor.rank > 1, tensor.shape[1] == channels else {
        throw .calibration(
          "batch normalisation of \(TensorType(tensor.dtype, shape: tensor.shape).text)")
      }
      let plane = tensor.shape.dropFirst(2).reduce(1, *)
      tensor.withElements(of: Float.self) { elements in
        for row in 0..<tensor.shape[0] * channels {
          var (sum, square) = (0.0, 0.0)
          for i in row * plane..<(row + 1) * plane {
            let x = Double(elements[i])
            sum += x
            square += x * x
          }
          sums[row % channels] += sum
          squares[row % channels] += square
        }
      }
      count += Double(tensor.shape[0] * plane)
    }
    let total = max(1, count)
    means = sums.map { $0 / total }
    variances = zip(squares, means).map { max(0, $0 / total - $1 * $1) }
  }
}
