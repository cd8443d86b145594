import CKernels
import Testing

/// A window over an image: convolution, depthwise convolution and pooling share it.
struct Window: CustomTestStringConvertible, Sendable {
  var height, width, kernel: Int
  var stride = 1
  var dilation = 1
  var padding = 0
  var channels = 1
  var kernelWidth: Int?
  var strideWidth: Int?

  var kw: Int { kernelWidth ?? kernel }
  var sw: Int { strideWidth ?? stride }
  var outHeight: Int { (height + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 }
  var outWidth: Int { (width + 2 * padding - dilation * (kw - 1) - 1) / sw + 1 }
  var row: Int { width + 1 }
  var plane: Int { (height - 1) * row + width + 2 }
  /// Without the gap after the last row.
  var extent: Int { (channels - 1) * plane + (height - 1) * row + width }

  var geometry: sp_conv_geometry {
    sp_conv_geometry(
      channels: channels, height: height, width: width, kernel_h: kernel, kernel_w: kw,
      stride_h: stride, stride_w: sw, dilation_h: dilation, dilation_w: dilation,
      pad_top: padding, pad_left: padding, out_height: outHeight, out_width: outWidth, plane: plane,
      row: row)
  }

  var testDescription: String {
    "\(channels)x\(height)x\(width) kernel \(kernel)x\(kw) stride \(stride)x\(sw) dilation \(dilation) pad \(padding)"
  }

  /// The input under one tap of an output's window, nil outside the image.
  func input(_ image: Guarded, channel: Int = 0, oy: Int, ox: Int, ky: Int, kx: Int) -> Float? {
    let y = oy * stride - padding + ky * dilation
    let x = ox * sw - padding + kx * dilation
    guard y >= 0, y < height, x >= 0, x < width else { return nil }
    return image.pointer[channel * plane + y * row + x]
  }

  static let cases: [Window] = {
    var list: [Window] = []
    for kernel in [1, 2, 3, 5] {
      for stride in [1, 2, 3] {
        for padding in Set([0, kernel / 2]) {
          for width in [5, 7, 16, 17, 35] {
            list.append(
              Window(height: 6, width: width, kernel: kernel, stride: stride, padding: padding))
          }
        }
      }
    }
    list.append(Window(height: 9, width: 11, kernel: 7, padding: 3))
    list.append(Window(height: 12, width: 80, kernel: 3, padding: 1))
    list.append(Window(height: 12, width: 80, kernel: 3, stride: 2, padding: 1))
    list.append(Window(height: 13, width: 75, kernel: 5, padding: 2))
    list.append(Window(height: 13, width: 75, kernel: 5, stride: 2, padding: 2))
    list.append(Window(height: 9, width: 21, kernel: 3, dilation: 2, padding: 2))
    list.append(Window(height: 9, width: 21, kernel: 3, stride: 2, dilation: 3, padding: 3))
    list.append(Window(height: 7, width: 7, kernel: 3, padding: 1))
    list.append(Window(height: 14, width: 14, kernel: 3, stride: 2, padding: 1))
    list.append(Window(height: 5, width: 70, kernel: 3, stride: 2, padding: 2))
    list.append(Window(height: 1, width: 1, kernel: 3, padding: 1))
    list.append(Window(height: 2, width: 3, kernel: 5, padding: 4))
    list.append(Window(height: 5, width: 40, kernel: 1, padding: 0, kernelWidth: 7))
    list.append(Window(height: 8, width: 20, kernel: 3, stride: 1, padding: 1, strideWidth: 2))
    return list
  }()
}

@Suite struct WindowTests {
  /// Shifted planes with any masks: what they leave out is not read, and nothing but whole vectors is
  /// written.
  @Test(arguments: ISA.available, [1, 4, 9]) func gatherWindows(isa: ISA, positions: Int) {
    var random = Random(seed: 20)
    let (channels, columns) = (3, 16 * 14 - 5)
    let lines = (columns + 15) / 16
    for (n, first) in [
      (1, 0), (16, 16), (17, 0), (40, 32), (70, 48), (96, 0), (100, 16), (columns - 64, 64),
      (columns, 0),
    ] {
      let masks = (0..<positions * lines).map { i in
        let valid = i % lines == lines - 1 ? UInt16(0x07ff) : 0xffff
        return i % 3 == 0 ? valid : UInt16.random(in: 0...0xffff, using: &random) & valid
      }
      // The first and the last position reach to the planes' ends, where masks keep inside.
      let plane = columns + 9
      let source = Guarded(random.floats(channels * plane), against: n % 2 == 0 ? .end : .start)
      source.pointer[plane] = Float(bitPattern: 0x7fa1_2345)
      let shifts = (0..<positions).map { $0 == 0 ? 0 : Int.random(in: 0...9, using: &random) }
      let (k0, k1) = (positions / 2, channels * positions - positions / 3)
      let whole = (n + isa.lanes - 1) / isa.lanes * isa.lanes
      let stride = whole + 3
      let target = Guarded((k1 - k0 - 1) * stride + whole, repeating: untouched)
      let streams = (Stream(shifts), Stream(masks))
      var windows = sp_windows(
        positions: positions, plane: plane, shifts: streams.0.pointer, masks: streams.1.pointer,
        mask_stride: lines)
      withExtendedLifetime(streams) {
        isa.kernels.f32_gather_windows(
          &windows, source.pointer, k0, k1, first, n, target.pointer, stride)
      }
      var isExact = true
      for (cell, value) in target.values.enumerated() {
        let (k, j) = (k0 + cell / stride, cell % stride)
        if j >= whole {
          isExact = isExact && value == untouched
        } else if j < n {
          let (position, p) = (k % positions, first + j)
          let isInside = masks[position * lines + p / 16] >> UInt16(p % 16) & 1 == 1
          let wanted =
            isInside ? source.pointer[k / positions * plane + shifts[position] + p] : 0
          isExact = isExact && value.bitPattern == wanted.bitPattern
        }
      }
      #expect(isExact, "\(n) columns from \(first)")
    }
  }

  @Test(arguments: ISA.available, Window.cases)
  func depthwise(isa: ISA, window: Window) {
    for planes in [1, 3] { depthwise(isa, window, planes: planes) }
  }

  private func depthwise(_ isa: ISA, _ base: Window, planes: Int) {
    var random = Random(seed: 23)
    var window = base
    window.channels = planes
    let taps = window.kernel * window.kw
    let weights = random.floats(planes * taps)
    let bias = random.floats(planes)
    var g = window.geometry
    let stride = window.outWidth + 1
    let outPlane = window.outHeight * stride + 3
    for (side, lo, hi) in [
      (Guarded.Side.end, -Float.infinity, Float.infinity), (.start, -0.25, 0.5),
    ] {
      let image = Guarded(random.floats(window.extent), against: side)
      let out = Guarded(
        (planes - 1) * outPlane + (window.outHeight - 1) * stride + window.outWidth,
        repeating: untouched)
      var expected = [Expected?](repeating: nil, count: out.count)
      for plane in 0..<planes {
        for oy in 0..<window.outHeight {
          for ox in 0..<window.outWidth {
            var sum = Double(bias[plane])
            var magnitude = abs(sum)
            for ky in 0..<window.kernel {
              for kx in 0..<window.kw {
                let input = window.input(image, channel: plane, oy: oy, ox: ox, ky: ky, kx: kx)
                let term = Double(input ?? 0) * Double(weights[plane * taps + ky * window.kw + kx])
                sum += term
                magnitude += abs(term)
              }
            }
            sum = min(max(sum, Double(lo)), Double(hi))
            expected[plane * outPlane + oy * stride + ox] = Expected(
              sum, error: Tolerance.sum * magnitude)
          }
        }
      }
      isa.kernels.f32_depthwise(
        &g, planes, image.pointer, weights, bias, lo, hi, out.pointer, outPlane, stride)
      check(out, expected, "depthwise")
    }
  }

  /// Where the output may replace the input, it is what it is elsewhere.
  @Test(arguments: ISA.available.filter { $0.lanes > 1 }, [1, 3, 8, 15, 16, 17, 40, 112])
  func depthwiseInPlace(isa: ISA, width: Int) {
    var random = Random(seed: 26)
    for height in [1, 2, 7] {
      let window = Window(height: height, width: width, kernel: 3, padding: 1, channels: 3)
      var g = window.geometry
      let image = Guarded(random.floats(window.extent))
      let out = Guarded(image.values)
      let (weights, bias) = (random.floats(27), random.floats(3))
      isa.kernels.f32_depthwise(
        &g, 3, image.pointer, weights, bias, -1, 1, out.pointer, window.plane, window.row)
      isa.kernels.f32_depthwise(
        &g, 3, image.pointer, weights, bias, -1, 1, image.pointer, window.plane, window.row)
      #expect(image.values == out.values)
    }
  }

  /// Padding is multiplied too: an infinite weight makes NaN at the border, as in a product with an explicit zero.
  @Test(arguments: ISA.available, [1, 2, 3]) func depthwiseInfiniteWeight(isa: ISA, stride: Int) {
    let window = Window(height: 5, width: 20, kernel: 3, stride: stride, padding: 1)
    let image = Guarded(window.extent, repeating: 1)
    let out = Guarded(window.outHeight * window.outWidth)
    var weights = [Float](repeating: 1, count: 9)
    weights[0] = .infinity
    var g = window.geometry
    isa.kernels.f32_depthwise(
      &g, 1, image.pointer, weights, nil, -.infinity, .infinity, out.pointer, 0, window.outWidth)
    for oy in 0..<window.outHeight {
      for ox in 0..<window.outWidth {
        let got = out.pointer[oy * window.outWidth + ox]
        #expect(oy == 0 || ox == 0 ? got.isNaN : got == .infinity)
      }
    }
  }

  @Test(arguments: ISA.available, Window.cases)
  func maxPool(isa: ISA, window: Window) {
    for planes in [1, 3] { maxPool(isa, window, planes: planes) }
  }

  private func maxPool(_ isa: ISA, _ base: Window, planes: Int) {
    var random = Random(seed: 24)
    var window = base
    window.channels = planes
    var g = window.geometry
    let stride = window.outWidth + 1
    let outPlane = window.outHeight * stride + 3
    for special in [Float(0), .nan, .infinity, -.infinity] {
      let image = Guarded(random.floats(window.extent), against: special == 0 ? .end : .start)
      if special != 0 { image.pointer[image.count / 2] = special }
      let out = Guarded(
        (planes - 1) * outPlane + (window.outHeight - 1) * stride + window.outWidth,
        repeating: untouched)
      var expected = [Expected?](repeating: nil, count: out.count)
      for plane in 0..<planes {
        for oy in 0..<window.outHeight {
          for ox in 0..<window.outWidth {
            var best = -Double.infinity
            for ky in 0..<window.kernel {
              for kx in 0..<window.kw {
                let input = window.input(image, channel: plane, oy: oy, ox: ox, ky: ky, kx: kx)
                guard let x = input else { continue }
                best = x.isNaN || best.isNaN ? .nan : max(best, Double(x))
              }
            }
            expected[plane * outPlane + oy * stride + ox] = Expected(best, error: 0)
          }
        }
      }
      isa.kernels.f32_max_pool(&g, planes, image.pointer, out.pointer, outPlane, stride)
      check(out, expected, "max pool with \(special)")
    }
  }

  @Test(arguments: ISA.available, Window.cases)
  func averagePool(isa: ISA, window: Window) {
    var random = Random(seed: 25)
    var g = window.geometry
    let stride = window.outWidth + 1
    for includePadding in [false, true] {
      let image = Guarded(random.floats(window.extent), against: includePadding ? .end : .start)
      let out = Guarded((window.outHeight - 1) * stride + window.outWidth, repeating: untouched)
      var expected = [Expected?](repeating: nil, count: out.count)
      for oy in 0..<window.outHeight {
        for ox in 0..<window.outWidth {
          var sum = 0.0
          var counted = 0.0
          for ky in 0..<window.kernel {
            for kx in 0..<window.kw {
              let x = window.input(image, oy: oy, ox: ox, ky: ky, kx: kx)
              sum += Double(x ?? 0)
              counted += x != nil || includePadding ? 1 : 0
            }
          }
          expected[oy * stride + ox] = Expected(
            counted == 0 ? 0 : sum / counted, error: Tolerance.sum)
        }
      }
      isa.kernels.f32_average_pool(
        &g, image.pointer, includePadding, window.padding, window.padding, out.pointer, stride)
      check(out, expected, "average pool, padding counted: \(includePadding)")
    }
  }

  /// Windows that reach past the padding, as rounding the output size up makes, count only up to the padding.
  @Test(arguments: ISA.available) func averagePoolRoundedUp(isa: ISA) {
    var g = sp_conv_geometry(
      channels: 1, height: 4, width: 4, kernel_h: 3, kernel_w: 3, stride_h: 2, stride_w: 2,
      dilation_h: 1, dilation_w: 1, pad_top: 0, pad_left: 0, out_height: 2, out_width: 2, plane: 16,
      row: 4)
    let image = Guarded(16, repeating: 1)
    let out = Guarded(4)
    isa.kernels.f32_average_pool(&g, image.pointer, true, 0, 0, out.pointer, 2)
    #expect(out.values == [1, 1, 1, 1])
    isa.kernels.f32_average_pool(&g, image.pointer, true, 1, 1, out.pointer, 2)
    #expect(
      out.values.first == 1 && abs(out.values[1] - 2.0 / 3) < 1e-6
        && abs(out.values[3] - 4.0 / 9) < 1e-6)
  }
}
