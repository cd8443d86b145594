import CKernels
import SparrowCore

/// A convolution of concrete shapes, one- and two-dimensional ones alike (a 1-D one has height 1).
struct ConvolutionShape {
  let batch: Int
  let groups: Int
  /// Channels of one group.
  let inputs: Int
  let outputs: Int
  let geometry: sp_conv_geometry

  var inputPlane: Int { Int(geometry.height * geometry.width) }
  var outputPlane: Int { Int(geometry.out_height * geometry.out_width) }
  var positions: Int { Int(geometry.kernel_h * geometry.kernel_w) }
  /// The reduction: inputs x kernel positions.
  var k: Int { inputs * positions }
  var multiplyAdds: Int { [batch, groups, outputs, outputPlane, k].clampedProduct }
  /// Whether each output pixel reads the input pixel at its own place: 1x1 without stride or padding.
  var isPointwise: Bool {
    let g = geometry
    return positions == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0
      && g.pad_left == 0 && g.out_height == g.height && g.out_width == g.width
  }

  /// Of a convolution node.
  init(_ p: Preparation, window: Window, group: Int) throws(RuntimeError) {
    let (x, weight) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, weight.dtype == .float32 else {
      throw p.unsupported("convolutions are float32, found \(x.dtype.name)")
    }
    try self.init(
      p, input: x.shape, weight: weight.shape, output: p.outputs[0].shape, window: window,
      group: group)
  }

  init(
    _ p: Preparation, input: [Int], weight: [Int], output: [Int], window: Window, group: Int
  ) throws(RuntimeError) {
    let spatial = Array(input.dropFirst(2))
    guard (1...2).contains(spatial.count) else {
      throw p.unsupported("convolutions have 1 or 2 spatial axes, found \(spatial.count)")
    }
    let resolved: Window.Resolved
    do throws(InferenceError) {
      resolved = try window.resolved(
        kernel: Array(weight.dropFirst(2)), input: spatial.map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    let isLine = spatial.count == 1
    func first(_ values: [Int], _ missing: Int) -> Int { isLine ? missing : values[0] }
    func last(_ values: [Int]) -> Int { values[values.count - 1] }
    let output = Array(output.dropFirst(2))
    (batch, groups) = (input[0], group)
    (inputs, outputs) = (weight[1], weight[0] / group)
    let (height, width) = (first(spatial, 1), last(spatial))
    geometry = sp_conv_geometry(
      channels: inputs, height: height, width: width,
      kernel_h: first(resolved.kernel, 1), kernel_w: last(resolved.kernel),
      stride_h: first(resolved.strides, 1), stride_w: last(resolved.strides),
      dilation_h: first(resolved.dilations, 1), dilation_w: last(resolved.dilations),
      pad_top: first(resolved.padsBegin, 0), pad_left: last(resolved.padsBegin),
      out_height: first(output, 1), out_width: last(output), plane: height * width, row: width)
  }
}
