# freqtrade's official image with the exchange bitgetcross, started by our launcher; docs/docker.md says how to use it.
#
# Written in November 2026 after freqtrade's own Dockerfile, and NEVER BUILT: there was no Docker where it was written.
# freqtrade is under the GPLv3, and so is this image once you hand it on.

# The newest release that the tests have run with; --build-arg FREQTRADE=… takes another one.
ARG FREQTRADE=2026.9

# As root, because the folder of the sources is root's; nothing but the wheel leaves this stage.
FROM freqtradeorg/freqtrade:${FREQTRADE} AS wheel
USER root
COPY pyproject.toml setup.cfg README.md LICENSE /source/
COPY plugin /source/plugin
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel /source

# The user is ftuser and the folder /freqtrade, as in the image, whose packages are in that user's home.
FROM freqtradeorg/freqtrade:${FREQTRADE}
ARG FREQTRADE
COPY --from=wheel /wheel /wheel
# The image's freqtrade stays what it is, or pip refuses; a ccxt that is too old for us is replaced by a newer one.
RUN pip install --user --no-cache-dir "$(ls /wheel/*.whl)[freqtrade,shared]" "freqtrade==${FREQTRADE}" \
    && bitget-margin --version

# Plain `freqtrade` does not know the exchange, and stops.
ENTRYPOINT ["bitget-margin", "freqtrade"]
CMD ["trade"]
