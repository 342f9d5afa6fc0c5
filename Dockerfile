FROM python:3.13-slim

RUN useradd --create-home --uid 10001 huixin \
    && install -d -o huixin -g huixin /srv/huixin /var/lib/huixin
WORKDIR /srv/huixin
USER huixin

# Requirements change less often than the code: installed first, they stay in their own layer.
COPY --chown=huixin:huixin install.sh requirements.txt pyproject.toml README.md LICENSE ./
COPY --chown=huixin:huixin app/__init__.py app/
RUN PYTHON=python ./install.sh requirements.txt
COPY --chown=huixin:huixin app app
COPY --chown=huixin:huixin migrations migrations

ENV PATH=/srv/huixin/.venv/bin:$PATH \
    HUIXIN_VAR=/var/lib/huixin \
    PYTHONUNBUFFERED=1
EXPOSE 8000 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["huixin", "serve", "--host", "0.0.0.0"]
